//! Components of a team's own: the trait they are written against, and the list of those that content may name. Each is one
//! entity's alone; what else it reaches, it reaches through [`Me`] and by mail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::Handle;
use realm::Unlisted;
use serde::de::DeserializeOwned;

use super::Me;
use crate::resources::{AnySpec, EntityTemplate, Tables};

/// A functionality that the file of a mob or an avatar names as a table. It is made with its entity and goes with it; a
/// panic in it deletes that entity and nothing else. Do not implement `Drop` for it or anything in it.
pub trait Component: Sized + 'static {
    /// The name of its table.
    const NAME: &'static str;

    /// What the table says; write it with `#[serde(deny_unknown_fields)]`. All entities of a kind share one.
    type Spec: DeserializeOwned + Send + Sync + 'static;

    /// Makes it for an entity that has just come into the world.
    fn new(spec: Arc<Self::Spec>, me: &mut Me<'_>) -> Self;

    /// Time goes on: called each frame while the entity lives and its channel has players.
    fn tick(&mut self, time: Duration, me: &mut Me<'_>) {
        let _ = (time, me);
    }

    /// The entity lost `amount` hit points, and lives.
    fn hurt(&mut self, by: Handle, amount: u32, me: &mut Me<'_>) {
        let _ = (by, amount, me);
    }

    /// The entity is dead.
    fn slain(&mut self, by: Handle, me: &mut Me<'_>) {
        let _ = (by, me);
    }

    /// A message came that mobs and avatars do not take by themselves: [`Unlisted::take`] what is yours. What no component
    /// takes goes back to its sender.
    fn hear(&mut self, mail: &mut Unlisted, me: &mut Me<'_>) {
        let _ = (mail, me);
    }
}

/// A component without its type.
pub(crate) trait AnyComponent {
    fn tick(&mut self, time: Duration, me: &mut Me<'_>);
    fn hurt(&mut self, by: Handle, amount: u32, me: &mut Me<'_>);
    fn slain(&mut self, by: Handle, me: &mut Me<'_>);
    fn hear(&mut self, mail: &mut Unlisted, me: &mut Me<'_>);
}

impl<C: Component> AnyComponent for C {
    fn tick(&mut self, time: Duration, me: &mut Me<'_>) {
        Component::tick(self, time, me);
    }

    fn hurt(&mut self, by: Handle, amount: u32, me: &mut Me<'_>) {
        Component::hurt(self, by, amount, me);
    }

    fn slain(&mut self, by: Handle, me: &mut Me<'_>) {
        Component::slain(self, by, me);
    }

    fn hear(&mut self, mail: &mut Unlisted, me: &mut Me<'_>) {
        Component::hear(self, mail, me);
    }
}

type Make = fn(AnySpec, &mut Me<'_>) -> Option<Box<dyn AnyComponent>>;

/// The components that content may name beside the built-in ones. A program makes the list once.
#[derive(Clone, Default)]
pub struct Components {
    tables: Tables,
    makes: BTreeMap<&'static str, Make>,
}

impl Components {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component type.
    ///
    /// # Panics
    /// When its name is taken, by another or by a built-in one.
    pub fn with<C: Component>(mut self) -> Self {
        self.tables = self.tables.with::<C::Spec>(C::NAME);
        self.makes.insert(C::NAME, |spec, me| {
            let spec = spec.downcast::<C::Spec>().ok()?;
            Some(Box::new(C::new(spec, me)))
        });
        self
    }

    /// Their tables, for [`crate::resources::Resources::load`].
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Makes those that a template names.
    pub(crate) fn make(
        &self,
        template: &EntityTemplate,
        me: &mut Me<'_>,
    ) -> Box<[Box<dyn AnyComponent>]> {
        let own = template.own.iter();
        own.filter_map(|table| self.makes.get(table.name)?(table.spec.clone(), me))
            .collect()
    }
}
