//! [`Templates`]: pages with gaps, by minijinja.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use ropewalk_core::{Failure, FailureKind};
use serde::Serialize;

/// Templates in the language of Jinja. What is filled in is escaped for HTML, unless the template's name ends
/// otherwise. A clone is the same templates.
///
/// # Example
/// ```
/// use std::collections::BTreeMap;
/// use ropewalk_web::Templates;
/// let templates = Templates::new([("hello.html", "<h1>Hello {{ name }}</h1>")])?;
/// let page = templates.render("hello.html", BTreeMap::from([("name", "<you>")]))?;
/// assert_eq!(page, "<h1>Hello &lt;you&gt;</h1>");
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone)]
pub struct Templates(Rc<Environment<'static>>);

/// Templates that are read from a directory.
const TEMPLATES_MAX: usize = 10_000;

impl Templates {
    /// Templates by name and text.
    ///
    /// # Errors
    /// `Local` with the place if one cannot be understood.
    pub fn new<N: Into<String>, T: Into<String>>(
        templates: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self, Failure> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| match Path::new(name).extension() {
            Some(ending) if ending == "txt" || ending == "css" || ending == "csv" => {
                AutoEscape::None
            }
            _ => AutoEscape::Html,
        });
        for (name, text) in templates {
            environment
                .add_template_owned(name.into(), text.into())
                .map_err(|error| Failure::from_error(FailureKind::Local, error))?;
        }
        Ok(Self(Rc::new(environment)))
    }

    /// All files below a directory, named by their paths. Waits for the disk: for the beginning of a program.
    ///
    /// # Errors
    /// If the directory cannot be read, or a template cannot be understood.
    pub fn read(directory: &Path) -> Result<Self, Failure> {
        let mut found = Vec::new();
        read_below(directory, "", &mut found).map_err(|error| {
            Failure::from(error).context(format!("read {}", directory.display()))
        })?;
        Self::new(found)
    }

    /// Fills a template in.
    ///
    /// # Errors
    /// `Local` with the place if there is no template of that name, or it cannot be filled in.
    pub fn render(&self, name: &str, context: impl Serialize) -> Result<String, Failure> {
        let template = self.0.get_template(name);
        let filled = template.and_then(|template| template.render(Serde(&context)));
        filled.map_err(|error| Failure::from_error(FailureKind::Local, error))
    }
}

fn read_below(
    directory: &Path,
    prefix: &str,
    found: &mut Vec<(String, String)>,
) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_below(&entry.path(), &format!("{name}/"), found)?;
        } else if found.len() < TEMPLATES_MAX {
            found.push((name, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}
