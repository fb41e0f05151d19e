//! Reads the table `[cluster]`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::{Fields, Reader, shown};
use crate::role::{Cluster, LEASE_MS_DEFAULT, Password};

/// Shorter, and a machine that is busy for a moment stands still; longer, and the realm waits long for the dead.
const LEASE_MS: RangeInclusive<u32> = 300..=3000;

/// A start waits for the servers so long at most.
const START_WITHIN_MS_MAX: u32 = 3_600_000;

impl Reader<'_> {
    /// The table `[cluster]`; none when the role has none.
    pub(super) fn cluster(&mut self, fields: &mut Fields<'_>) -> Option<Cluster> {
        let found = fields.take("cluster")?;
        let DeValue::Table(table) = found.value else {
            let message = format!("must be a table, not {}", shown(&found.value));
            self.fault(found.at, "cluster", message);
            return None;
        };
        let mut fields = Fields::new(found.at, table);
        let cluster = Cluster {
            name: self.name(&mut fields),
            nats: self.servers(&mut fields),
            user: self.optional(&mut fields, "user"),
            password: self.optional(&mut fields, "password").map(Password),
            lease_ms: self
                .number(&mut fields, "lease_ms", LEASE_MS)
                .unwrap_or(LEASE_MS_DEFAULT),
            ca: self
                .optional(&mut fields, "ca")
                .map(|ca| self.beside().join(ca)),
            start_within_ms: self
                .number(&mut fields, "start_within_ms", 0..=START_WITHIN_MS_MAX)
                .unwrap_or(Cluster::START_WITHIN_MS),
        };
        self.refuse_unknown(fields);
        Some(cluster)
    }

    fn servers(&mut self, fields: &mut Fields<'_>) -> Vec<String> {
        let Some(found) = self.required(fields, "nats") else {
            return Vec::new();
        };
        let items: Vec<Option<String>> = match &found.value {
            DeValue::Array(items) => {
                let items = items.iter();
                items
                    .map(|item| item.get_ref().as_str().map(str::to_owned))
                    .collect()
            }
            other => vec![other.as_str().map(str::to_owned)],
        };
        let servers: Option<Vec<String>> = items.into_iter().collect();
        let good = |server: &String| Cluster::is_server(server);
        match servers {
            Some(servers) if !servers.is_empty() && servers.iter().all(good) => servers,
            _ => {
                let message = "must be nats://host:port or tls://host:port, or a list of them; \
                               user and password stand beside it, not in it";
                self.fault(found.at, found.key, message);
                Vec::new()
            }
        }
    }

    fn optional(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
        let found = fields.take(key)?;
        self.text(&found)
    }

    /// The folder of the file: its paths are relative to it.
    fn beside(&self) -> PathBuf {
        let folder = self.source.path.parent();
        folder.map(Path::to_path_buf).unwrap_or_default()
    }
}
