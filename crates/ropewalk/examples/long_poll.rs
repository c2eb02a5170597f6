//! Long polling in thirty lines: `curl 127.0.0.1:8080/` waits until somebody says something by
//! `curl -d hello 127.0.0.1:8080/`. Thousands may wait; each costs some hundred bytes.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk::Failure;
use ropewalk::http::{HttpFactory, Method, Request};

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or("tcp:8080:interface=127.0.0.1".to_owned());
    let waiting: Rc<RefCell<Vec<Request>>> = Rc::default();
    let server = HttpFactory::new(move |request: Request| {
        if request.method() != Method::POST {
            waiting.borrow_mut().retain(|kept| !kept.is_client_gone());
            return waiting.borrow_mut().push(request); // It is answered when there is news.
        }
        let waiting = waiting.clone();
        let said = request.take_body().collect(1000).add_both(move |news| match news {
            Ok(news) => {
                let all = waiting.take();
                all.iter().for_each(|kept| kept.finish_with(news.clone()));
                request.finish_with(format!("{} heard it\n", all.len()));
            }
            Err(failure) => request.finish_with(format!("{failure}\n")),
        });
        drop(said);
    });
    ropewalk::run(|reactor| ropewalk::listen(reactor, &address, server))
}
