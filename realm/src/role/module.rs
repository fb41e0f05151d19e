//! A module's part of a role: its name and its own settings, kept until the module reads them. What the settings mean
//! is the module's business; that a fault in them names file, line and key is this file's.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::RoleFault;
use super::fault::Source;
use super::nearest::known_are;

/// One module of a service, with its settings. Held by the role; a service asks it for the config at every start.
#[derive(Clone, Debug)]
pub struct ModuleSpec {
    /// The module's name.
    pub name: String,
    source: Arc<Source>,
    /// Which service and which of its modules this is in the source; none for a module that comes from code.
    place: Option<(usize, usize)>,
    /// What was set from outside the file. It wins.
    overriding: toml::Table,
}

impl ModuleSpec {
    /// A module with settings that come from code.
    pub fn new(name: impl Into<String>, settings: toml::Table) -> ModuleSpec {
        ModuleSpec {
            name: name.into(),
            source: Source::new(Path::new("(code)"), ""),
            place: None,
            overriding: settings,
        }
    }

    pub(super) fn read(name: String, source: Arc<Source>, place: (usize, usize)) -> ModuleSpec {
        ModuleSpec {
            name,
            source,
            place: Some(place),
            overriding: toml::Table::new(),
        }
    }

    /// Sets one setting, whatever the file says: for the command line, the environment and tests.
    pub fn set(
        &mut self,
        key: impl Into<String>,
        value: impl Into<toml::Value>,
    ) -> &mut ModuleSpec {
        self.overriding.insert(key.into(), value.into());
        self
    }

    /// The settings as the module's own type, which should refuse unknown fields. A fault points to the key at fault.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, RoleFault> {
        let overriding = self.overriding_text();
        let settings = self.settings(&overriding);
        let table = Spanned::new(settings.span(), DeValue::Table(settings.get_ref().clone()));
        T::deserialize(ValueDeserializer::from(table))
            .map_err(|error| self.explain(&settings, &error))
    }

    /// A fault of one setting that the module finds when it uses it, such as a folder that is not there.
    pub fn fault(&self, key: &str, message: impl Into<String>) -> RoleFault {
        let overriding = self.overriding_text();
        let settings = self.settings(&overriding);
        let span = match settings.get_ref().get_key_value(key) {
            Some((key, _)) => key.span(),
            None => settings.span(),
        };
        self.source.fault(span, key, message)
    }

    /// The overriding settings as TOML, behind so many blank lines that every span in it lies past the source's text:
    /// that is how a fault knows that a value is not from the file.
    fn overriding_text(&self) -> String {
        "\n".repeat(self.source.outside()) + &self.overriding.to_string()
    }

    /// The module's table without its name, with what overrides it. The source is read again each time: the parsed
    /// table borrows its text, and a module asks but once per start.
    fn settings<'t>(&'t self, overriding: &'t str) -> Spanned<DeTable<'t>> {
        let (root, _) = DeTable::parse_recoverable(&self.source.text);
        let outside = self.source.outside();
        let mut settings = self
            .place
            .and_then(|(service, module)| {
                let services = root.get_ref().get("service")?.get_ref();
                let module = services
                    .get(service)?
                    .get_ref()
                    .get("module")?
                    .get_ref()
                    .get(module)?;
                Some(Spanned::new(
                    module.span(),
                    module.get_ref().as_table()?.clone(),
                ))
            })
            .unwrap_or_else(|| Spanned::new(outside..outside, DeTable::new()));
        settings.get_mut().remove("name");
        let (overriding, _) = DeTable::parse_recoverable(overriding);
        for (key, value) in overriding.into_inner() {
            settings.get_mut().remove(key.get_ref().as_ref());
            settings.get_mut().insert(key, value);
        }
        settings
    }

    /// Turns serde's words and span into the operator's: the key's place, its full name, what was meant.
    fn explain(&self, settings: &Spanned<DeTable<'_>>, error: &toml::de::Error) -> RoleFault {
        let at = error.span().unwrap_or_else(|| settings.span());
        let (path, span) = find(settings.get_ref(), &at).unwrap_or((String::new(), at));
        let message = error.message();
        let mut names = message.split('`').skip(1).step_by(2);
        if message.starts_with("missing field") {
            let field = names.next().unwrap_or_default();
            let key = if path.is_empty() {
                field.to_owned()
            } else {
                format!("{path}.{field}")
            };
            return self.source.fault(span, &key, "is missing");
        }
        if message.starts_with("unknown field") {
            let field = names.next().unwrap_or_default();
            let known: Vec<&str> = names.collect();
            let key = if path.is_empty() { field } else { &path };
            return self.source.fault(
                span,
                key,
                format!("unknown key{}", known_are(field, &known)),
            );
        }
        self.source.fault(span, &path, message)
    }
}

/// The innermost entry whose key or value is at `at`: its dotted path and where it stands.
fn find(table: &DeTable<'_>, at: &Range<usize>) -> Option<(String, Range<usize>)> {
    table.iter().find_map(|(key, value)| {
        if let Some((path, span)) = find_in(value.get_ref(), at) {
            return Some((format!("{}{path}", key.get_ref()), span));
        }
        let value = value.span();
        let here = key.span() == *at || (value.start <= at.start && at.end <= value.end);
        here.then(|| (key.get_ref().to_string(), key.span()))
    })
}

/// The same within a value: the rest of the path.
fn find_in(value: &DeValue<'_>, at: &Range<usize>) -> Option<(String, Range<usize>)> {
    match value {
        DeValue::Table(table) => find(table, at).map(|(path, span)| (format!(".{path}"), span)),
        DeValue::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            if let Some((path, span)) = find_in(item.get_ref(), at) {
                return Some((format!("[{index}]{path}"), span));
            }
            (item.span() == *at).then(|| (format!("[{index}]"), item.span()))
        }),
        _ => None,
    }
}
