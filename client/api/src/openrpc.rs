//! The OpenRPC document of the API.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::error::RpcError;
use crate::{API_VERSION, method, notification};

/// Where the document keeps its types.
pub(crate) const TYPES: &str = "/components/schemas";

/// The OpenRPC document: every method with its parameters and result, and, as `x-notifications`,
/// what comes without having been asked for. All types are under `components.schemas`.
#[must_use]
pub fn openrpc() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = TYPES.into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut methods = Vec::new();
    for method in method::all() {
        let params = (method.params)(&mut generator);
        let result = (method.result)(&mut generator);
        methods.push((method, params, result));
    }
    let notifications: Vec<Value> = notification::all()
        .into_iter()
        .map(|kind| {
            let params = (kind.params)(&mut generator);
            json!({ "name": kind.name, "description": kind.doc, "params": params })
        })
        .collect();
    generator.subschema_for::<RpcError>();
    let types = types(&generator);
    let methods: Vec<Value> = methods
        .into_iter()
        .map(|(method, params, result)| {
            json!({
                "name": method.name,
                "description": method.doc,
                "paramStructure": "by-name",
                "params": by_name(params.as_value(), &types),
                "x-params": params,
                "result": { "name": "result", "schema": result },
            })
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "session",
            "version": API_VERSION.to_string(),
            "description": "The API of the Session client. One JSON object per line over standard input and output; parameters are given by name; what arrives is told by notifications.",
        },
        "methods": methods,
        "x-notifications": notifications,
        "components": { "schemas": types },
    })
}

fn types(generator: &SchemaGenerator) -> Map<String, Value> {
    let mut types: Vec<_> = generator.definitions().clone().into_iter().collect();
    types.sort_by(|(a, _), (b, _)| a.cmp(b));
    types.into_iter().collect()
}

/// The fields of a type of parameters, one by one as OpenRPC wants them.
fn by_name(params: &Value, types: &Map<String, Value>) -> Vec<Value> {
    let name = type_name(params).unwrap_or_default();
    let of_type = types.get(name).cloned().unwrap_or_default();
    let required: Vec<&str> = of_type
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = of_type.get("properties").and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            json!({
                "name": name,
                "required": required.contains(&name.as_str()),
                "schema": schema,
            })
        })
        .collect()
}

/// The type that a reference names.
pub(crate) fn type_name(schema: &Value) -> Option<&str> {
    let reference = schema.get("$ref")?.as_str()?;
    reference.rsplit('/').next()
}
