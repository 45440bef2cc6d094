//! `nightshift schema`.

use crate::exit::Exit;
use crate::world::World;

pub(crate) fn run(world: &mut World<'_>) -> anyhow::Result<Exit> {
    world.say(serde_json::to_string_pretty(&nightshift_core::fleet::schema::fleet_schema())?);
    Ok(Exit::Fine)
}
