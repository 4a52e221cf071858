#include "model/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::json;

// Bounds that keep every product of two sizes far from overflow, and far above any real model.
constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 16;
constexpr std::int64_t kMaxToken = std::numeric_limits<std::int32_t>::max();

// A JSON value as a message shows it: short, and never deep (dump() recurses).
std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() &&
      std::any_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); }))
    return "a nested list";
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

// The fields of one JSON object, checked as they are taken. A null counts as absent, as in Hugging Face's own
// files.
class Fields {
 public:
  Fields(const Json& object, std::string path, std::string prefix = "")
      : object_(object), path_(std::move(path)), prefix_(std::move(prefix)) {}

  [[nodiscard]] const Json* find(const std::string& name) const {
    const auto at = object_.find(name);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
  }
  [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }

  [[nodiscard]] std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high) const {
    const std::string expected = fmt::format("an integer from {} to {}", low, high);
    const Json* value = find(name);
    if (value == nullptr) fail(name, "missing field", expected, "nothing");
    return integer_of(*value, name, low, high);
  }
  [[nodiscard]] std::int64_t integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                        std::int64_t absent) const {
    return has(name) ? integer(name, low, high) : absent;
  }
  [[nodiscard]] std::int64_t integer_of(const Json& value, const std::string& name, std::int64_t low,
                                        std::int64_t high) const {
    // Comparing as unsigned first: a huge unsigned number would wrap to a negative one.
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                          : value.is_number_integer();
    if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
      fail(name, "impossible value", fmt::format("an integer from {} to {}", low, high), shown(value));
    return value.get<std::int64_t>();
  }

  [[nodiscard]] double positive(const std::string& name) const {
    const Json* value = find(name);
    if (value == nullptr) fail(name, "missing field", "a number above 0", "nothing");
    if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() <= 0)
      fail(name, "impossible value", "a number above 0", shown(*value));
    return value->get<double>();
  }
  [[nodiscard]] double positive_or(const std::string& name, double absent) const {
    return has(name) ? positive(name) : absent;
  }

  [[nodiscard]] bool flag_or(const std::string& name, bool absent) const {
    const Json* value = find(name);
    if (value == nullptr) return absent;
    if (!value->is_boolean()) fail(name, "wrong type", "true or false", shown(*value));
    return value->get<bool>();
  }

  [[nodiscard]] std::string text_or(const std::string& name, const std::string& absent) const {
    const Json* value = find(name);
    if (value == nullptr) return absent;
    if (!value->is_string()) fail(name, "wrong type", "a string", shown(*value));
    return value->get<std::string>();
  }

  [[nodiscard]] Fields object(const std::string& name) const {
    const Json& value = *find(name);
    if (!value.is_object()) fail(name, "wrong type", "an object", shown(value));
    return {value, path_, prefix_ + name + "."};
  }

  [[noreturn]] void fail(const std::string& name, const std::string& what, const std::string& expected,
                         const std::string& found, const std::string& next = "") const {
    throw InputError({.where = path_ + ":" + prefix_ + name,
                      .what = what,
                      .expected = expected,
                      .found = found,
                      .next = next});
  }

 private:
  const Json& object_;
  std::string path_;
  std::string prefix_;
};

const Architecture* read_architecture(const Fields& fields) {
  const std::string refused = "this architecture is not computed";
  const Architecture* architecture = nullptr;
  if (const Json* classes = fields.find("architectures")) {
    const bool one_name = classes->is_array() && classes->size() == 1 && classes->front().is_string();
    if (one_name) architecture = architecture_of_class(classes->front().get<std::string>());
    if (architecture == nullptr)
      fields.fail("architectures", refused, "one of " + known_architectures(), shown(*classes));
  }
  const std::string type = fields.text_or("model_type", "");
  if (architecture == nullptr) architecture = architecture_of_type(type);
  if (architecture == nullptr || (!type.empty() && type != architecture->model_type)) {
    const std::string expected =
        architecture ? std::string(architecture->model_type) : "that of " + known_architectures();
    fields.fail("model_type", refused, expected, type.empty() ? "nothing" : type);
  }
  return architecture;
}

// What would change the numbers and is not computed here.
void refuse_unknown_arithmetic(const Fields& fields) {
  const std::string activation = fields.text_or("hidden_act", "silu");
  if (activation != "silu") fields.fail("hidden_act", "this activation is not computed", "silu", activation);
  if (const Json* value = fields.find("quantization_config"))
    fields.fail("quantization_config", "quantised weights are not read", "no such field", shown(*value),
                "use the checkpoint's F32, F16 or BF16 version");
  if (fields.has("partial_rotary_factor") && fields.positive("partial_rotary_factor") != 1)
    fields.fail("partial_rotary_factor", "partial rotary embedding is not computed", "1",
                shown(*fields.find("partial_rotary_factor")));
}

RopeScaling read_scaling(const Fields& fields) {
  const std::string key = fields.has("rope_type") ? "rope_type" : "type";
  const std::string kind = fields.text_or(key, "default");
  RopeScaling scaling;
  if (kind == "default") return scaling;
  if (kind != "linear" && kind != "llama3")
    fields.fail(key, "this rotary scaling is not computed", "default, linear or llama3", kind);
  scaling.factor = fields.positive("factor");
  scaling.kind = RopeScaling::Kind::linear;
  if (kind == "linear") return scaling;

  scaling.kind = RopeScaling::Kind::llama3;
  scaling.low_freq_factor = fields.positive("low_freq_factor");
  scaling.high_freq_factor = fields.positive("high_freq_factor");
  scaling.original_context = fields.positive("original_max_position_embeddings");
  if (scaling.high_freq_factor <= scaling.low_freq_factor)
    fields.fail("high_freq_factor", "impossible value", "a number above low_freq_factor",
                fmt::format("{} with low_freq_factor {}", scaling.high_freq_factor, scaling.low_freq_factor));
  return scaling;
}

// "rope_theta" and "rope_scaling", or both together in the newer "rope_parameters".
void read_rope(const Fields& fields, ModelConfig& config) {
  config.rope_theta = fields.positive_or("rope_theta", config.rope_theta);
  if (fields.has("rope_scaling")) config.rope_scaling = read_scaling(fields.object("rope_scaling"));
  if (!fields.has("rope_parameters")) return;
  if (fields.has("rope_scaling"))
    fields.fail("rope_parameters", "two descriptions of the rotary embedding",
                "rope_scaling or rope_parameters", "both");
  const Fields parameters = fields.object("rope_parameters");
  config.rope_theta = parameters.positive_or("rope_theta", config.rope_theta);
  config.rope_scaling = read_scaling(parameters);
}

ModelShape read_shape(const Fields& fields, std::int64_t hidden_size) {
  ModelShape shape;
  shape.num_layers = fields.integer("num_hidden_layers", 1, kMaxCount);
  shape.num_heads = fields.integer("num_attention_heads", 1, kMaxCount);
  shape.num_kv_heads = fields.integer_or("num_key_value_heads", 1, kMaxCount, shape.num_heads);
  if (shape.num_heads % shape.num_kv_heads != 0)
    fields.fail("num_key_value_heads", "impossible value",
                fmt::format("a divisor of num_attention_heads, {}", shape.num_heads),
                fmt::format("{}", shape.num_kv_heads));
  if (fields.has("head_dim")) {
    shape.head_dim = fields.integer("head_dim", 2, kMaxCount);
  } else {
    if (hidden_size % shape.num_heads != 0)
      fields.fail("hidden_size", "impossible value",
                  fmt::format("a multiple of num_attention_heads, {}, or a head_dim", shape.num_heads),
                  fmt::format("{}", hidden_size));
    shape.head_dim = hidden_size / shape.num_heads;
  }
  if (shape.head_dim % 2 != 0)
    fields.fail("head_dim", "impossible value", "an even number, for rotary embedding turns pairs",
                fmt::format("{}", shape.head_dim));
  return shape;
}

void read_special_tokens(const Fields& fields, ModelConfig& config) {
  const std::int64_t last = config.vocab_size - 1;
  if (fields.has("bos_token_id"))
    config.bos_token = static_cast<std::int32_t>(fields.integer("bos_token_id", 0, last));
  const Json* eos = fields.find("eos_token_id");
  if (eos == nullptr) return;
  const Json list = eos->is_array() ? *eos : Json::array({*eos});
  for (const Json& token : list)
    config.eos_tokens.push_back(static_cast<std::int32_t>(fields.integer_of(token, "eos_token_id", 0, last)));
}

Json parse_file(const std::filesystem::path& path) {
  Json json;
  try {
    json = Json::parse(read_file(path));
  } catch (const Json::exception& error) {
    throw InputError({.where = path.string(), .what = "not valid JSON", .found = error.what()});
  }
  if (!json.is_object())
    throw InputError(
        {.where = path.string(), .what = "wrong type", .expected = "an object", .found = shown(json)});
  return json;
}

}  // namespace

ModelConfig read_config(const std::filesystem::path& path) {
  const Json json = parse_file(path);
  const Fields fields(json, path.string());
  ModelConfig config;
  config.name = std::filesystem::absolute(path).parent_path().filename().string();
  config.architecture = read_architecture(fields);
  refuse_unknown_arithmetic(fields);
  config.hidden_size = fields.integer("hidden_size", 1, kMaxSize);
  config.ffn_size = fields.integer("intermediate_size", 1, kMaxSize);
  config.vocab_size = fields.integer("vocab_size", 1, kMaxToken);
  config.context = fields.integer("max_position_embeddings", 1, kMaxToken);
  config.shape = read_shape(fields, config.hidden_size);
  config.norm_eps = fields.positive_or("rms_norm_eps", 1e-6);
  read_rope(fields, config);
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  config.attention_bias = fields.flag_or("attention_bias", false);
  config.mlp_bias = fields.flag_or("mlp_bias", false);
  read_special_tokens(fields, config);
  return config;
}

}  // namespace toptheta
