//! `realm check`: every fault of roles and resources, before anything starts.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::launch;
use crate::resources::Resources;
use clap::Args;
use realm::role::Role;

use super::{Known, LOCAL_ROLE};

#[derive(Args)]
pub(super) struct Check {
    /// Role files [default: roles/local.toml]
    #[arg(value_name = "ROLE")]
    roles: Vec<PathBuf>,
}

impl Check {
    pub(super) fn run(self, known: Known) -> ExitCode {
        let named = if self.roles.is_empty() {
            vec![LOCAL_ROLE.into()]
        } else {
            self.roles
        };
        let Known {
            modules,
            components,
        } = known;
        let mut faults = 0;
        let mut folders = std::collections::BTreeSet::new();
        for path in &named {
            let mut role = match Role::load(path, &modules.names()) {
                Ok(role) => role,
                Err(found) => {
                    faults += found.len();
                    found.iter().for_each(|fault| eprintln!("{fault}"));
                    continue;
                }
            };
            for module in role.services.iter().flat_map(|service| &service.modules) {
                if let Err(fault) = modules.check(module) {
                    faults += 1;
                    eprintln!("{fault}");
                }
            }
            folders.extend(launch::resources_of(&mut role).ok().flatten());
        }
        for folder in folders {
            match Resources::load(&folder, components.tables()) {
                Ok(resources) => println!(
                    "{}: {} maps, {} entities, {} objects, {} spells, {} items",
                    folder.display(),
                    resources.maps().count(),
                    resources.entities().count(),
                    resources.objects().count(),
                    resources.spells().count(),
                    resources.items().count()
                ),
                Err(found) => {
                    faults += found.len();
                    for fault in found {
                        eprintln!("{:?}", miette::Report::new(fault));
                    }
                }
            }
        }
        if faults == 0 {
            println!("{} role(s) and their resources are valid", named.len());
            return ExitCode::SUCCESS;
        }
        eprintln!("{faults} fault(s)");
        ExitCode::FAILURE
    }
}
