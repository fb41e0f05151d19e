//! Reads a role file. It goes on after a fault, so that one report holds them all.

mod cluster;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Source;
use super::nearest::known_are;
use super::{
    CALLS_PENDING_MAX_DEFAULT, FRAME_BUDGET_MS_DEFAULT, MAILBOX_LEN_MAX_DEFAULT, ModuleSpec, Rate,
    Role, RoleFault, ServiceSpec, Singular, WireMode,
};

const NAME_LEN_MAX: usize = 32;
const RATE_HZ_MAX: u32 = 1000;
const FRAME_BUDGET_MS_MAX: u32 = 1000;
const LEN_MAX: u32 = 1_000_000;

/// The role that `text` describes, or every fault in it.
pub(super) fn role(
    path: &Path,
    text: &str,
    known_modules: &[&str],
) -> Result<Role, Vec<RoleFault>> {
    let source = Source::new(path, text);
    let mut reader = Reader {
        source,
        known_modules,
        faults: Vec::new(),
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.fault(error.span().unwrap_or(0..0), "", error.message());
    }
    if reader.faults.is_empty() {
        // After an error of grammar the tables are guesswork, and faults found in them would mislead.
        let role = reader.role(root.into_inner());
        if reader.faults.is_empty() {
            return Ok(role);
        }
    }
    reader
        .faults
        .sort_by_key(|fault| (fault.line, fault.column));
    Err(reader.faults)
}

struct Reader<'k> {
    source: Arc<Source>,
    known_modules: &'k [&'k str],
    faults: Vec<RoleFault>,
}

/// A table of the file: what is not taken out of it by the end is unknown.
struct Fields<'t> {
    span: Range<usize>,
    left: DeTable<'t>,
    known: Vec<&'static str>,
}

/// A key that was found, and its value.
struct Found<'t> {
    key: &'static str,
    at: Range<usize>,
    value: DeValue<'t>,
}

impl<'t> Fields<'t> {
    fn new(span: Range<usize>, table: DeTable<'t>) -> Fields<'t> {
        Fields {
            span,
            left: table,
            known: Vec::new(),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Found<'t>> {
        self.known.push(key);
        let (name, value) = self.left.remove_entry(key)?;
        Some(Found {
            key,
            at: name.span(),
            value: value.into_inner(),
        })
    }
}

impl Reader<'_> {
    fn fault(&mut self, at: Range<usize>, key: &str, message: impl Into<String>) {
        let fault = self.source.fault(at, key, message);
        self.faults.push(fault);
    }

    fn role(&mut self, root: DeTable<'_>) -> Role {
        let mut fields = Fields::new(0..0, root);
        let name = self.name(&mut fields);
        let admin = fields.take("admin").and_then(|found| self.admin(&found));
        let wire = fields.take("wire").and_then(|found| self.wire(&found));
        let cluster = self.cluster(&mut fields);
        let services = self.services(&mut fields);
        self.refuse_unknown(fields);
        Role {
            name,
            path: self.source.path.clone(),
            admin,
            wire: wire.unwrap_or_default(),
            cluster,
            services,
        }
    }

    fn services(&mut self, fields: &mut Fields<'_>) -> Vec<ServiceSpec> {
        let tables = self.tables(fields, "service", "a role needs at least one [[service]]");
        let mut names = BTreeSet::new();
        let mut services = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let mut fields = Fields::new(table.span(), table.into_inner());
            let at = key_span(&fields, "name");
            let service = self.service(index, &mut fields);
            if !service.name.is_empty() && !names.insert(service.name.clone()) {
                self.fault(
                    at,
                    "name",
                    format!("another service is named '{}' too", service.name),
                );
            }
            self.refuse_unknown(fields);
            services.push(service);
        }
        services
    }

    fn service(&mut self, index: usize, fields: &mut Fields<'_>) -> ServiceSpec {
        let name = self.name(fields);
        let rate = match self.number(fields, "rate_hz", 1..=RATE_HZ_MAX) {
            Some(hz) => Rate::Hz(hz),
            None => Rate::Mail,
        };
        let budget_max = rate.period_ms().unwrap_or(FRAME_BUDGET_MS_MAX);
        let budget = self.number(fields, "frame_budget_ms", 1..=budget_max);
        let mailbox = self.number(fields, "mailbox_len_max", 1..=LEN_MAX);
        let calls = self.number(fields, "calls_pending_max", 1..=LEN_MAX);
        let singular = fields
            .take("singular")
            .and_then(|found| self.singular(&found));
        ServiceSpec {
            name,
            rate,
            frame_budget_ms: budget
                .or(rate.period_ms())
                .unwrap_or(FRAME_BUDGET_MS_DEFAULT),
            mailbox_len_max: mailbox.map_or(MAILBOX_LEN_MAX_DEFAULT, |len| len as usize),
            calls_pending_max: calls.map_or(CALLS_PENDING_MAX_DEFAULT, |len| len as usize),
            singular,
            modules: self.modules(index, fields),
        }
    }

    fn modules(&mut self, service: usize, fields: &mut Fields<'_>) -> Vec<ModuleSpec> {
        let tables = self.tables(
            fields,
            "module",
            "a service needs at least one [[service.module]]",
        );
        let mut modules: Vec<ModuleSpec> = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            // The other keys are the module's own, so what is left is not refused here.
            let mut fields = Fields::new(table.span(), table.into_inner());
            let at = key_span(&fields, "name");
            let Some(name) = self
                .required(&mut fields, "name")
                .and_then(|name| self.text(&name))
            else {
                continue;
            };
            if !self.known_modules.contains(&name.as_str()) {
                let message = format!(
                    "unknown module '{name}'{}",
                    known_are(&name, self.known_modules)
                );
                self.fault(at, "name", message);
            } else if modules.iter().any(|module| module.name == name) {
                self.fault(
                    at,
                    "name",
                    format!("module '{name}' stands twice in this service"),
                );
            } else {
                modules.push(ModuleSpec::read(
                    name,
                    Arc::clone(&self.source),
                    (service, index),
                ));
            }
        }
        modules
    }

    /// The tables of a `[[key]]`; none of them is a fault.
    fn tables<'t>(
        &mut self,
        fields: &mut Fields<'t>,
        key: &'static str,
        none: &str,
    ) -> Vec<Spanned<DeTable<'t>>> {
        let Some(found) = fields.take(key) else {
            self.fault(fields.span.clone(), key, none);
            return Vec::new();
        };
        let DeValue::Array(items) = found.value else {
            self.fault(
                found.at,
                key,
                format!("must be a list of tables, written [[{key}]]"),
            );
            return Vec::new();
        };
        if items.is_empty() {
            self.fault(found.at.clone(), key, none);
        }
        let mut tables = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => tables.push(Spanned::new(span, table)),
                other => self.fault(
                    span,
                    key,
                    format!("must hold tables, not {}", shown(&other)),
                ),
            }
        }
        tables
    }

    fn required<'t>(&mut self, fields: &mut Fields<'t>, key: &'static str) -> Option<Found<'t>> {
        let found = fields.take(key);
        if found.is_none() {
            self.fault(fields.span.clone(), key, "is missing");
        }
        found
    }

    /// The name of a role or service; empty after a fault.
    fn name(&mut self, fields: &mut Fields<'_>) -> String {
        let Some(found) = self.required(fields, "name") else {
            return String::new();
        };
        let Some(name) = self.text(&found) else {
            return String::new();
        };
        let plain = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=NAME_LEN_MAX).contains(&name.len()) && name.bytes().all(plain) {
            return name;
        }
        let message = format!("must be 1 to {NAME_LEN_MAX} of a-z, 0-9 and -, not '{name}'");
        self.fault(found.at, found.key, message);
        String::new()
    }

    fn admin(&mut self, found: &Found<'_>) -> Option<SocketAddr> {
        let text = self.text(found)?;
        let address = text.parse().ok();
        if address.is_none() {
            let message =
                format!("must be an address with its port, as in 127.0.0.1:7778, not '{text}'");
            self.fault(found.at.clone(), found.key, message);
        }
        address
    }

    fn wire(&mut self, found: &Found<'_>) -> Option<WireMode> {
        match self.text(found)?.as_str() {
            "local" => Some(WireMode::Local),
            "always" => Some(WireMode::Always),
            other => {
                let message = format!("must be local or always, not '{other}'");
                self.fault(found.at.clone(), found.key, message);
                None
            }
        }
    }

    fn singular(&mut self, found: &Found<'_>) -> Option<Singular> {
        match self.text(found)?.as_str() {
            "standby" => Some(Singular::StandBy),
            "refuse" => Some(Singular::Refuse),
            other => {
                let message = format!("must be standby or refuse, not '{other}'");
                self.fault(found.at.clone(), found.key, message);
                None
            }
        }
    }

    fn text(&mut self, found: &Found<'_>) -> Option<String> {
        let text = found.value.as_str();
        if text.is_none() {
            let message = format!("must be a string, not {}", shown(&found.value));
            self.fault(found.at.clone(), found.key, message);
        }
        text.map(str::to_owned)
    }

    fn number(
        &mut self,
        fields: &mut Fields<'_>,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let found = fields.take(key)?;
        let number = found
            .value
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let value = shown(&found.value);
            let message = format!("must be {} to {}, not {value}", range.start(), range.end());
            self.fault(found.at, key, message);
        }
        number
    }

    fn refuse_unknown(&mut self, fields: Fields<'_>) {
        for (key, _) in fields.left {
            let at = key.span();
            let key = key.into_inner();
            self.fault(
                at,
                &key,
                format!("unknown key{}", known_are(&key, &fields.known)),
            );
        }
    }
}

/// Where a key stands, or its table where it is missing.
fn key_span(fields: &Fields<'_>, key: &str) -> Range<usize> {
    fields
        .left
        .get_key_value(key)
        .map_or_else(|| fields.span.clone(), |(key, _)| key.span())
}

/// A refused value as a fault shows it: a number itself, anything else by its type.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Array(_) => "an array".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}
