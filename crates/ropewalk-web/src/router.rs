//! [`Router`]: resources by method and path, with parameters.

use std::collections::BTreeMap;
use std::rc::Rc;

use http::header::ALLOW;
use http::{Method, StatusCode};

use crate::request::decoded;
use crate::site::render;
use crate::{Answer, Request, Resource};

/// Chooses a resource by the path below itself and by the method. `{name}` in a path stands for one segment,
/// `{*name}` for all that is left.
///
/// `HEAD` is answered by what `GET` has, and `OPTIONS` by the list of methods, unless they have routes of their
/// own. Another method than those is answered with 405.
///
/// # Example
/// ```
/// use ropewalk_web::{Request, Router, page};
/// let router = Router::new()
///     .get("/users/{id}", page(|request: &Request| format!("user {}", request.param("id").unwrap())))
///     .post("/users", page(|_| "made"));
/// # let _: &dyn ropewalk_web::Resource = &router;
/// ```
#[derive(Default)]
pub struct Router {
    /// What each path has, by its place here.
    routes: Vec<Route>,
    paths: matchit::Router<usize>,
    /// The places of the paths, as they were written.
    known: BTreeMap<String, usize>,
    otherwise: Option<Rc<dyn Resource>>,
}

#[derive(Default)]
struct Route {
    methods: Vec<(Method, Rc<dyn Resource>)>,
    any: Option<Rc<dyn Resource>>,
    /// Whether the path ends with `{*name}`.
    leaves_rest: bool,
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What answers `method` at `path`.
    ///
    /// # Panics
    /// If `path` is malformed, or contradicts another one: a mistake in the program.
    #[must_use]
    pub fn route(mut self, method: Method, path: &str, resource: impl Resource) -> Self {
        let methods = &mut self.at(path).methods;
        methods.retain(|(known, _)| *known != method);
        methods.push((method, Rc::new(resource)));
        self
    }

    /// What answers all other methods at `path`.
    ///
    /// # Panics
    /// As [`route`](Self::route).
    #[must_use]
    pub fn any(mut self, path: &str, resource: impl Resource) -> Self {
        self.at(path).any = Some(Rc::new(resource));
        self
    }

    /// [`route`](Self::route) for `GET`.
    #[must_use]
    pub fn get(self, path: &str, resource: impl Resource) -> Self {
        self.route(Method::GET, path, resource)
    }

    /// [`route`](Self::route) for `POST`.
    #[must_use]
    pub fn post(self, path: &str, resource: impl Resource) -> Self {
        self.route(Method::POST, path, resource)
    }

    /// [`route`](Self::route) for `PUT`.
    #[must_use]
    pub fn put(self, path: &str, resource: impl Resource) -> Self {
        self.route(Method::PUT, path, resource)
    }

    /// [`route`](Self::route) for `DELETE`.
    #[must_use]
    pub fn delete(self, path: &str, resource: impl Resource) -> Self {
        self.route(Method::DELETE, path, resource)
    }

    /// What answers where no path fits, instead of a 404.
    #[must_use]
    pub fn otherwise(mut self, resource: impl Resource) -> Self {
        self.otherwise = Some(Rc::new(resource));
        self
    }

    fn at(&mut self, path: &str) -> &mut Route {
        let place = *self.known.entry(path.to_owned()).or_insert_with(|| {
            let place = self.routes.len();
            let inserted = self.paths.insert(path, place);
            assert!(inserted.is_ok(), "the route {path} cannot be: {inserted:?}");
            self.routes.push(Route { leaves_rest: path.contains("{*"), ..Route::default() });
            place
        });
        &mut self.routes[place]
    }
}

impl Resource for Router {
    fn render(&self, request: &Request) -> Answer {
        let path = format!("/{}", request.rest());
        let Ok(found) = self.paths.at(&path) else {
            let otherwise = self.otherwise.as_ref();
            return otherwise
                .map_or(Answer::Status(StatusCode::NOT_FOUND), |it| render(it.clone(), request));
        };
        let params: Vec<(String, String)> =
            found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        let route = &self.routes[*found.value];
        // A resource below finds by itself what `{*name}` has left.
        let last = found.params.iter().last().filter(|_| route.leaves_rest);
        request.use_path(last.map_or(0, |(_, value)| value.len() + 1));
        request.set_params(params);
        route.render(request)
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

impl Route {
    fn render(&self, request: &Request) -> Answer {
        let of = |method: &Method| self.methods.iter().find(|(known, _)| known == method);
        let wanted = request.method();
        let found = of(wanted).or_else(|| (*wanted == Method::HEAD).then(|| of(&Method::GET))?);
        if let Some((_, resource)) = found {
            return render(resource.clone(), request);
        }
        if let Some(any) = &self.any {
            return render(any.clone(), request);
        }
        request.set_header(ALLOW, self.allowed());
        if *wanted == Method::OPTIONS {
            return StatusCode::NO_CONTENT.into();
        }
        StatusCode::METHOD_NOT_ALLOWED.into()
    }

    fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") && !names.contains(&"HEAD") {
            names.push("HEAD");
        }
        if !names.contains(&"OPTIONS") {
            names.push("OPTIONS");
        }
        names.join(", ")
    }
}
