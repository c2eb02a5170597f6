//! [`Form`]: what a browser sends when a form is submitted.

use std::io::{Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use ropewalk_core::{Deferred, Failure, FailureKind};
use ropewalk_net::ThreadPool;

use crate::multipart::{Event, Multipart, PartHead};
use crate::{FormError, Request, query};

/// The fields and files of a form.
#[derive(Default, Debug)]
pub struct Form {
    /// Names and values, in their order.
    pub fields: Vec<(String, String)>,
    /// The files, in their order.
    pub files: Vec<Upload>,
}

/// A file that came with a form.
#[derive(Debug)]
pub struct Upload {
    /// The field's name.
    pub name: String,
    /// What the file is called, without its directory. Nothing that comes from a client is to be trusted as a path.
    pub file_name: String,
    /// What the client says that it is.
    pub content_type: Option<String>,
    /// How long it is.
    pub len: u64,
    content: UploadContent,
}

#[derive(Debug)]
enum UploadContent {
    Memory(Bytes),
    /// Without a name in the file system: gone with its last handle.
    File(std::fs::File),
}

/// What a form may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormLimits {
    /// Bytes of all fields together, and of a form without parts. Default 1 MiB.
    pub field_bytes_max: usize,
    /// Fields and files. Default 1,000.
    pub parts_max: usize,
    /// Files among them. Default 100: each may keep an open file of this process until the form is dropped.
    pub files_max: usize,
    /// Bytes of one file. Default 1 GiB.
    pub file_bytes_max: u64,
    /// Bytes of a file that is kept in memory; a longer one is written to a temporary file while it comes. Default
    /// 64 KiB.
    pub memory_bytes_max: usize,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self {
            field_bytes_max: 1 << 20,
            parts_max: 1_000,
            files_max: 100,
            file_bytes_max: 1 << 30,
            memory_bytes_max: 64 << 10,
        }
    }
}

impl Form {
    /// The form that is the body of `request`: `application/x-www-form-urlencoded` or `multipart/form-data`. `pool`
    /// writes what is too long for memory, and the client is held back meanwhile.
    ///
    /// # Errors
    /// [`FormError`], which answers itself when the resource fails with it; and as [`ropewalk_http::Body`].
    pub fn read(request: &Request, pool: &ThreadPool, limits: FormLimits) -> Deferred<Self> {
        let content_type = request.header_text("content-type").unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let body = request.take_body().collect(limits.field_bytes_max);
            return body.add_both(move |body| match body {
                Ok(body) => Self::of_pairs(&body, limits),
                Err(why) if why.is(FailureKind::Limit) => {
                    Err(too_much("bytes", limits.field_bytes_max as u64, "field_bytes_max"))
                }
                Err(why) => Err(why),
            });
        }
        let Some(parts) = Multipart::for_type(content_type) else {
            return Deferred::fail(FormError::NotAForm(content_type.to_owned()).into_failure());
        };
        let (body, pool) = (request.take_body(), pool.clone());
        let reading = async move {
            let mut reader =
                Reader { parts, limits, pool, field_bytes: 0, form: Self::default(), part: None };
            while let Some(piece) = body.next().await? {
                reader.feed(&piece).await?;
            }
            reader.end()
        };
        request.transport().reactor().spawn(reading)
    }

    fn of_pairs(body: &[u8], limits: FormLimits) -> Result<Self, Failure> {
        let fields = query::pairs(&String::from_utf8_lossy(body));
        if fields.len() > limits.parts_max {
            return Err(too_much("fields", limits.parts_max as u64, "parts_max"));
        }
        Ok(Self { fields, files: Vec::new() })
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first file of that name.
    pub fn file(&self, name: &str) -> Option<&Upload> {
        self.files.iter().find(|file| file.name == name)
    }
}

fn too_much(what: &'static str, max: u64, limit: &'static str) -> Failure {
    FormError::TooMuch { what, max, limit }.into_failure()
}

struct Reader {
    parts: Multipart,
    limits: FormLimits,
    pool: ThreadPool,
    field_bytes: usize,
    form: Form,
    part: Option<Part>,
}

/// The part under way.
struct Part {
    head: PartHead,
    memory: Vec<u8>,
    file: Option<std::fs::File>,
    len: u64,
}

impl Reader {
    async fn feed(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.parts.feed(piece);
        while let Some(event) = self.parts.next()? {
            match event {
                Event::Part(head) => self.begin(head)?,
                Event::Data(data) => self.data(&data).await?,
                Event::PartEnd => self.end_part()?,
            }
        }
        Ok(())
    }

    /// Names count as well, those of files too.
    fn count_field(&mut self, bytes: usize) -> Result<(), Failure> {
        let max = self.limits.field_bytes_max;
        self.field_bytes += bytes;
        if self.field_bytes <= max {
            return Ok(());
        }
        Err(too_much("bytes of fields", max as u64, "field_bytes_max"))
    }

    fn begin(&mut self, head: PartHead) -> Result<(), Failure> {
        if self.form.fields.len() + self.form.files.len() >= self.limits.parts_max {
            return Err(too_much("parts", self.limits.parts_max as u64, "parts_max"));
        }
        if head.file_name.is_some() && self.form.files.len() >= self.limits.files_max {
            return Err(too_much("files", self.limits.files_max as u64, "files_max"));
        }
        self.count_field(head.name.len())?;
        self.part = Some(Part { head, memory: Vec::new(), file: None, len: 0 });
        Ok(())
    }

    async fn data(&mut self, data: &[u8]) -> Result<(), Failure> {
        let limits = self.limits;
        let is_field = self.part.as_ref().is_some_and(|part| part.head.file_name.is_none());
        if is_field {
            self.count_field(data.len())?;
        }
        let Some(part) = &mut self.part else { return Ok(()) };
        part.len += data.len() as u64;
        if !is_field && part.len > limits.file_bytes_max {
            return Err(too_much("bytes in a file", limits.file_bytes_max, "file_bytes_max"));
        }
        part.memory.extend_from_slice(data);
        if part.head.file_name.is_some() && part.memory.len() > limits.memory_bytes_max {
            part.spill(&self.pool).await?;
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), Failure> {
        let Some(mut part) = self.part.take() else { return Ok(()) };
        let Some(file_name) = part.head.file_name.take() else {
            let value = String::from_utf8_lossy(&part.memory).into_owned();
            self.form.fields.push((part.head.name, value));
            return Ok(());
        };
        let content = match part.file {
            None => UploadContent::Memory(part.memory.into()),
            Some(mut file) => {
                // The little that is left: the system has it in memory.
                file.write_all(&part.memory)?;
                file.seek(SeekFrom::Start(0))?;
                UploadContent::File(file)
            }
        };
        let PartHead { name, content_type, .. } = part.head;
        self.form.files.push(Upload { name, file_name, content_type, len: part.len, content });
        Ok(())
    }

    fn end(self) -> Result<Form, Failure> {
        if self.parts.is_done() {
            return Ok(self.form);
        }
        Err(FormError::Malformed("it breaks off before its last boundary").into_failure())
    }
}

impl Part {
    /// Writes what is in memory to a temporary file.
    async fn spill(&mut self, pool: &ThreadPool) -> Result<(), Failure> {
        let (file, bytes) = (self.file.take(), std::mem::take(&mut self.memory));
        let written = pool.defer_to_thread(move || {
            let mut file = file.map_or_else(tempfile::tempfile, Ok)?;
            file.write_all(&bytes)?;
            Ok(file)
        });
        self.file = Some(written.await?);
        Ok(())
    }
}

impl Upload {
    /// All of it.
    ///
    /// # Errors
    /// If a temporary file cannot be read.
    pub fn read(self, pool: &ThreadPool) -> Deferred<Bytes> {
        match self.content {
            UploadContent::Memory(bytes) => Deferred::succeed(bytes),
            UploadContent::File(mut file) => pool.defer_to_thread(move || {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(Bytes::from(bytes))
            }),
        }
    }

    /// Copies it to `path`, over whatever is there.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn save(self, pool: &ThreadPool, path: std::path::PathBuf) -> Deferred<()> {
        pool.defer_to_thread(move || {
            match self.content {
                UploadContent::Memory(bytes) => std::fs::write(&path, &bytes)?,
                UploadContent::File(mut file) => {
                    std::io::copy(&mut file, &mut std::fs::File::create(&path)?)?;
                }
            }
            Ok(())
        })
    }
}
