//! An XML answer as a small tree that is read by paths of element names.
//!
//! Owns what counts as a readable document: whole, well-formed, not deeper than any answer of AWS. Namespaces and attributes
//! are dropped: AWS's answers tell nothing by them.

use roxmltree::{Document, Node};

/// AWS's deepest answers have some ten levels; what is far deeper is no answer.
const DEEPEST: usize = 64;

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xml {
    name: String,
    text: String,
    children: Vec<Xml>,
}

impl Xml {
    /// The document's root, or why it cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = Document::parse(text).map_err(|error| error.to_string())?;
        element(document.root_element(), 0).ok_or_else(|| format!("more than {DEEPEST} levels"))
    }

    /// The element's name, without a namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element's own text, without white space around it; empty if it has none.
    pub fn own_text(&self) -> &str {
        &self.text
    }

    /// The text of the first element at this path below this one, such as `instanceState/name`; `None` if it is not there
    /// or empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.first(path).map(Xml::own_text).filter(|text| !text.is_empty())
    }

    /// The text at this path as a number, a flag or whatever else is parsed from text; `None` if it is none.
    pub fn parsed<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.text(path).and_then(|text| text.parse().ok())
    }

    /// The first element at this path below this one.
    pub fn first(&self, path: &str) -> Option<&Xml> {
        self.all(path).into_iter().next()
    }

    /// All elements at this path below this one, in the document's order, such as `reservationSet/item/instancesSet/item`.
    pub fn all(&self, path: &str) -> Vec<&Xml> {
        path.split('/').fold(vec![self], |parents, name| {
            parents.into_iter().flat_map(|parent| &parent.children).filter(|child| child.name == name).collect()
        })
    }

    /// The texts of all elements at this path, such as `SecurityGroups/member`.
    pub fn texts(&self, path: &str) -> Vec<&str> {
        self.all(path).into_iter().map(Xml::own_text).collect()
    }

    /// The elements directly below this one.
    pub fn children(&self) -> &[Xml] {
        &self.children
    }

    /// `text` as it may stand between two tags of a request's body.
    pub fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }
}

fn element(node: Node<'_, '_>, depth: usize) -> Option<Xml> {
    if depth > DEEPEST {
        return None;
    }
    let children = node.children().filter(Node::is_element).map(|child| element(child, depth + 1));
    let children = children.collect::<Option<Vec<_>>>()?;
    let text: String = node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    Some(Xml { name: node.tag_name().name().to_owned(), text: text.trim().to_owned(), children })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <DescribeLaunchTemplatesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
          <requestId>1</requestId>
          <launchTemplates>
            <item><launchTemplateName>web &amp; more</launchTemplateName><latestVersionNumber>7</latestVersionNumber></item>
            <item><launchTemplateName>jobs</launchTemplateName><tagSet><item><key>a</key></item></tagSet></item>
          </launchTemplates>
          <nextToken/>
        </DescribeLaunchTemplatesResponse>"#;

    #[test]
    fn paths_find_texts_numbers_and_lists() {
        let root = Xml::parse(TEMPLATES).unwrap();
        assert_eq!(root.name(), "DescribeLaunchTemplatesResponse");
        assert_eq!(root.text("launchTemplates/item/launchTemplateName"), Some("web & more"));
        assert_eq!(root.texts("launchTemplates/item/launchTemplateName"), ["web & more", "jobs"]);
        assert_eq!(root.all("launchTemplates/item").len(), 2);
        assert_eq!(root.parsed::<u32>("launchTemplates/item/latestVersionNumber"), Some(7));
        assert_eq!(root.parsed::<u32>("launchTemplates/item/launchTemplateName"), None);
        assert_eq!(root.text("launchTemplates/item/tagSet/item/key"), Some("a"));
        assert_eq!((root.text("nextToken"), root.first("nextToken").is_some()), (None, true));
        assert_eq!(root.text("nowhere/item"), None);
    }

    #[test]
    fn what_is_cut_off_or_no_xml_or_too_deep_is_an_error() {
        for text in ["", "<a>", "<a><b></a>", "{\"a\":1}", "<a/><b/>", &TEMPLATES[..TEMPLATES.len() - 5]] {
            assert!(Xml::parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(200) + &"</a>".repeat(200);
        assert_eq!(Xml::parse(&deep).unwrap_err(), "more than 64 levels");
    }

    #[test]
    fn text_is_escaped() {
        let text = "/a?b=1&c=<x>";
        let document = format!("<Path>{}</Path>", Xml::escaped(text));
        assert_eq!(Xml::parse(&document).unwrap().own_text(), text);
    }
}
