//! The tree as a serde data format, strict: a list is not a struct, a number is not text, a name is never guessed.
//!
//! Every complaint leaves with the node at which it was raised. Must never build an intermediate value.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::tree::{Entry, NodeId, Scalar, Tree, Value};
use super::trouble::{Spot, Trouble};

/// One node to be read.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    pub tree: &'t Tree,
    pub id: NodeId,
}

impl<'t> At<'t> {
    fn to(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    fn value(self) -> Option<&'t Value> {
        self.tree.node(self.id).map(|node| &node.value)
    }

    fn scalar(self) -> Scalar<'t> {
        self.tree.node(self.id).and_then(|node| node.scalar()).unwrap_or(Scalar::Nothing)
    }

    fn wrong_type<T>(self, expected: &str) -> Result<T, Trouble> {
        Err(Trouble::wrong_type(expected).or_at(Spot::Value(self.id)))
    }
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Trouble;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let read = match self.value() {
            Some(Value::Map(entries)) => visitor.visit_map(Fields { at: self, rest: entries.iter(), value: None }),
            Some(Value::List(items)) => visitor.visit_seq(Items { at: self, rest: items.iter() }),
            Some(Value::Scalar { .. }) | None => match self.scalar() {
                Scalar::Nothing => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(value),
                Scalar::Unsigned(value) => visitor.visit_u64(value),
                Scalar::Signed(value) => visitor.visit_i64(value),
                Scalar::Float(value) => visitor.visit_f64(value),
                Scalar::Text(text) => visitor.visit_str(text),
            },
        };
        read.map_err(|trouble| trouble.or_at(Spot::Value(self.id)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match (self.value(), self.scalar()) {
            (Some(Value::Scalar { .. }), Scalar::Nothing) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        match self.value() {
            Some(Value::Map(entries)) => visitor
                .visit_map(Fields { at: self, rest: entries.iter(), value: None })
                .map_err(|trouble| trouble.or_in(name).or_at(Spot::Value(self.id))),
            _ => self.wrong_type("struct"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        choices: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        match self.value() {
            Some(Value::Map(entries)) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Choice { at: self, entry }).map_err(|trouble| trouble.or_at(Spot::Value(self.id))),
                _ => {
                    let message = format!("exactly one choice belongs here; keep one of: {}", choices.join(", "));
                    Err(Trouble::said(message).or_at(Spot::Value(self.id)))
                }
            },
            Some(Value::Scalar { .. }) => match self.scalar() {
                Scalar::Text(text) => visitor.visit_enum(Word { at: self, text }).map_err(|trouble| trouble.or_at(Spot::Value(self.id))),
                _ => self.wrong_type(&format!("one of {}", choices.join(", "))),
            },
            _ => self.wrong_type(&format!("one of {}", choices.join(", "))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Trouble> {
        visitor.visit_newtype_struct(self).map_err(|trouble| trouble.or_at(Spot::Value(self.id)))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

/// The fields of a map, one after the other.
struct Fields<'t> {
    at: At<'t>,
    rest: std::slice::Iter<'t, Entry>,
    value: Option<NodeId>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Trouble> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(entry.value);
        let key: StrDeserializer<'_, Trouble> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|trouble| trouble.or_at(Spot::Key(self.at.id, entry.value)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        let id = self.value.unwrap_or(self.at.id);
        seed.deserialize(self.at.to(id)).map_err(|trouble| trouble.or_at(Spot::Value(id)))
    }
}

/// The items of a list, one after the other.
struct Items<'t> {
    at: At<'t>,
    rest: std::slice::Iter<'t, NodeId>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Trouble;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Trouble> {
        let Some(id) = self.rest.next().copied() else { return Ok(None) };
        seed.deserialize(self.at.to(id)).map(Some).map_err(|trouble| trouble.or_at(Spot::Value(id)))
    }
}

/// A choice with something under it: `add: 2`.
struct Choice<'t> {
    at: At<'t>,
    entry: &'t Entry,
}

impl<'de, 't> EnumAccess<'de> for Choice<'t> {
    type Error = Trouble;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Trouble> {
        let key: StrDeserializer<'_, Trouble> = self.entry.key.as_str().into_deserializer();
        let spot = Spot::Key(self.at.id, self.entry.value);
        seed.deserialize(key).map(|choice| (choice, self)).map_err(|trouble| trouble.or_at(spot))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Trouble;

    fn unit_variant(self) -> Result<(), Trouble> {
        let key = &self.entry.key;
        let field = self.at.tree.key_of(self.at.id).unwrap_or("metric");
        let message = format!("`{key}` stands alone, without fields; write {field}: {key}");
        Err(Trouble::said(message).or_at(Spot::Key(self.at.id, self.entry.value)))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Trouble> {
        seed.deserialize(self.at.to(self.entry.value)).map_err(|trouble| trouble.or_at(Spot::Value(self.entry.value)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Trouble> {
        self.at.to(self.entry.value).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Trouble> {
        self.at.to(self.entry.value).deserialize_struct("choice", fields, visitor)
    }
}

/// A choice that stands alone: `cpu`.
struct Word<'t> {
    at: At<'t>,
    text: &'t str,
}

impl Word<'_> {
    fn needs_more<T>(self, example: &str) -> Result<T, Trouble> {
        let message = format!("`{0}` alone does not say enough; write it with what belongs to it: {{ {0}: {example} }}", self.text);
        Err(Trouble::said(message).or_at(Spot::Value(self.at.id)))
    }
}

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Trouble;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Trouble> {
        let word: StrDeserializer<'_, Trouble> = self.text.into_deserializer();
        let spot = Spot::Value(self.at.id);
        seed.deserialize(word).map(|choice| (choice, self)).map_err(|trouble| trouble.or_at(spot))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Trouble;

    fn unit_variant(self) -> Result<(), Trouble> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, Trouble> {
        self.needs_more("2")
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, Trouble> {
        self.needs_more("...")
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], _visitor: V) -> Result<V::Value, Trouble> {
        let fields: Vec<String> = fields.iter().map(|field| format!("{field}: ...")).collect();
        self.needs_more(&format!("{{ {} }}", fields.join(", ")))
    }
}
