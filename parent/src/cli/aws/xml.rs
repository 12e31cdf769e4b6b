//! The XML in which IAM responds.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// The root element's content: an element with elements is an object, one whose elements are all `member` is a list, any other is a
/// text.
pub(super) fn read(text: &str) -> Result<Value, roxmltree::Error> {
    Ok(value(Document::parse(text)?.root_element()))
}

fn value(element: Node<'_, '_>) -> Value {
    let children: Vec<_> = element.children().filter(Node::is_element).collect();
    if children.is_empty() {
        return Value::String(element.text().unwrap_or_default().to_owned());
    }
    if children
        .iter()
        .all(|child| child.tag_name().name() == "member")
    {
        return children.into_iter().map(value).collect();
    }
    let members = children
        .into_iter()
        .map(|child| (child.tag_name().name().to_owned(), value(child)));
    Value::Object(members.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_objects_members_are_lists_and_the_rest_is_text() {
        let text = r#"<R xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><A><B>1 &lt; 2</B><C/></A>
            <L><member><N>a</N></member><member><N>b</N></member></L><One><member>x</member></One></R>"#;
        let expected =
            json!({"A": {"B": "1 < 2", "C": ""}, "L": [{"N": "a"}, {"N": "b"}], "One": ["x"]});
        assert_eq!(read(text).unwrap(), expected);
        assert!(read("{}").is_err());
    }
}
