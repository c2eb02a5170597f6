//! A tree of resources with a counter that all browsers see move: `cargo run --example counter`, then open
//! http://127.0.0.1:8080/ in several windows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk::Failure;
use ropewalk::web::{Answer, EventStream, Request, Resource, Site, Tree, page};

/// How often it was counted, and who watches. Plain values: it is all on one thread.
#[derive(Clone, Default)]
struct Counter(Rc<State>);

#[derive(Default)]
struct State {
    count: Cell<u64>,
    watching: RefCell<Vec<EventStream>>,
}

impl Counter {
    fn count(&self) -> u64 {
        self.0.count.set(self.0.count.get() + 1);
        self.0.watching.borrow_mut().retain(EventStream::is_open);
        let watching = self.0.watching.borrow().clone();
        watching.iter().for_each(|stream| stream.send(self.0.count.get().to_string()));
        self.0.count.get()
    }
}

/// What happens to the counter, as it happens.
struct News(Counter);

impl Resource for News {
    fn render(&self, request: &Request) -> Answer {
        let stream = EventStream::begin(request);
        stream.send(self.0.0.count.get().to_string());
        self.0.0.watching.borrow_mut().push(stream);
        Answer::NotDoneYet
    }
}

const PAGE: &str = "<!doctype html><title>Counter</title><h1 id=count>…</h1>\
    <button onclick=\"fetch('/count', {method: 'POST'})\">Count</button>\
    <script>new EventSource('/news').onmessage = event => count.textContent = event.data</script>";

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or("tcp:8080:interface=127.0.0.1".to_owned());
    ropewalk::run(|reactor| {
        let counter = Counter::default();
        let tree = Tree::new().with_index(page(|_| PAGE)).with_child("news", News(counter.clone()));
        tree.put_child("count", page(move |_: &Request| counter.count().to_string()));
        ropewalk::listen(reactor, &address, Site::new(tree).into_factory())
    })
}
