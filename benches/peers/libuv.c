/* libuv, in C: an echo as in its own guide, with TCP_NODELAY, and one buffer for all reads.
 *
 * A message is tried at once (uv_try_write), which is how a careful user of libuv writes; only what the socket
 * does not take is copied and queued. Built by `cargo xtask bench` with `cc -O2 libuv.c -luv`. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static char shared[65536];

struct rest {
    uv_write_t request;
    char bytes[];
};

static void on_closed(uv_handle_t *handle) { free(handle); }

static void end(uv_stream_t *stream) {
    if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, on_closed);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
    (void)handle, (void)size;
    *buf = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf);

static void on_written(uv_write_t *request, int status) {
    uv_stream_t *stream = request->handle;
    free(request);
    if (status < 0) end(stream);
    else if (!uv_is_closing((uv_handle_t *)stream)) uv_read_start(stream, on_room, on_read);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    if (count < 0) { end(stream); return; }
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)count);
    int sent = count ? uv_try_write(stream, &out, 1) : 0;
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0) { end(stream); return; }
    if (sent == count) return;
    /* Nothing more is read until the rest has gone. */
    uv_read_stop(stream);
    struct rest *rest = malloc(sizeof *rest + (size_t)(count - sent));
    memcpy(rest->bytes, buf->base + sent, (size_t)(count - sent));
    out = uv_buf_init(rest->bytes, (unsigned)(count - sent));
    uv_write(&rest->request, stream, &out, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status) {
    if (status < 0) return;
    uv_tcp_t *client = malloc(sizeof *client);
    uv_tcp_init(listener->loop, client);
    if (uv_accept(listener, (uv_stream_t *)client) < 0) { end((uv_stream_t *)client); return; }
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t *)client, on_room, on_read);
}

/* libuv-echo HOST:PORT */
int main(int argc, char **argv) {
    char host[64] = "127.0.0.1";
    int port = 0;
    if (argc > 1 && sscanf(argv[1], "%63[^:]:%d", host, &port) != 2) return 2;
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;
    uv_tcp_init(loop, &listener);
    if (uv_ip4_addr(host, port, &address) < 0) return 2;
    uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
    if (uv_listen((uv_stream_t *)&listener, 4096, on_connection) < 0) return 1;
    int length = sizeof address;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &length);
    printf("listening on %s:%d\n", host, ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
