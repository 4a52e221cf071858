// Reads the rotary embedding from a config.json, in all of its forms: rope_theta with rope_scaling, or
// rope_parameters, which may be given per layer type.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/family.hpp"

namespace toptheta {

namespace {

using Kind = RopeScaling::Kind;

// Where the fields of one rotary embedding are: in its own section if there is one, else at the top level.
struct Places {
  const ConfigFields& top;
  const ConfigFields* section;  // or null
  const ModelConfig& config;
  const RopeFields& names;
};

// A number that may be given in the section, at the top level, or in both if they agree.
double agreed(const Places& at, const std::string& name, const std::string& top_name, double absent) {
  const bool inside = at.section != nullptr && at.section->has(name);
  const bool outside = at.top.has(top_name);
  const double value = inside ? at.section->positive(name) : absent;
  if (!outside) return value;
  const double above = at.top.positive(top_name);
  if (inside && above != value)
    at.section->fail(name, "contradicts the field of the same meaning outside",
                     fmt::format("{} {}", top_name, above), fmt::format("{}", value));
  return above;
}

Kind read_kind(const Places& at) {
  if (at.section == nullptr) return Kind::none;
  const ConfigFields& section = *at.section;
  const std::string type = section.text_or("type", "");
  const std::string rope_type = section.text_or("rope_type", type);
  if (!type.empty() && type != rope_type)
    section.fail("rope_type", "contradicts type", type, rope_type, "remove one of the two");
  if (rope_type.empty()) {
    for (const char* name : {"factor", "short_factor", "long_factor", "low_freq_factor", "attention_factor"})
      if (section.has(name))
        section.fail("rope_type", "missing field: the section scales, but does not say how",
                     "default, linear, dynamic, llama3, yarn or longrope", "nothing",
                     "add the rope_type that the model was trained with");
    return Kind::none;
  }
  const std::string name = section.has("rope_type") ? "rope_type" : "type";
  if (rope_type == "default") return Kind::none;
  if (rope_type == "linear") return Kind::linear;
  if (rope_type == "dynamic") return Kind::dynamic;
  if (rope_type == "llama3") return Kind::llama3;
  const bool calls_longrope = at.names.calls_longrope_yarn && (rope_type == "su" || rope_type == "yarn");
  if (rope_type == "longrope" || calls_longrope) return Kind::longrope;
  if (rope_type == "yarn") return Kind::yarn;
  section.fail(name, "this rotary scaling is not computed",
               "default, linear, dynamic, llama3, yarn or longrope", rope_type);
}

// The context length before scaling. Phi-3 and others have it at the top level.
double original_context(const Places& at) {
  const std::string name = "original_max_position_embeddings";
  return agreed(at, name, name, static_cast<double>(at.config.context));
}

double yarn_magnitude(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
}

void read_yarn(const Places& at, RopeScaling& scaling) {
  const ConfigFields& section = *at.section;
  scaling.factor =
      section.positive_or("factor", static_cast<double>(at.config.context) / scaling.original_context);
  scaling.beta_fast = section.positive_or("beta_fast", 32);
  scaling.beta_slow = section.positive_or("beta_slow", 1);
  scaling.truncate = section.flag_or("truncate", true);
  const double mscale = section.number_or("mscale", 0, 1e6, 0);
  const double all_dim = section.number_or("mscale_all_dim", 0, 1e6, 0);
  const double usual = mscale > 0 && all_dim > 0
                           ? yarn_magnitude(scaling.factor, mscale) / yarn_magnitude(scaling.factor, all_dim)
                           : yarn_magnitude(scaling.factor, 1);
  scaling.attention_factor = section.positive_or("attention_factor", usual);
}

void read_longrope(const Places& at, std::int64_t pairs, RopeScaling& scaling) {
  const ConfigFields& section = *at.section;
  scaling.short_factors = section.positives("short_factor");
  scaling.long_factors = section.positives("long_factor");
  for (const auto& [name, factors] :
       {std::pair("short_factor", &scaling.short_factors), std::pair("long_factor", &scaling.long_factors)})
    if (static_cast<std::int64_t>(factors->size()) != pairs)
      section.fail(name, "impossible value", fmt::format("{} numbers, one for each rotated pair", pairs),
                   fmt::format("{}", factors->size()));
  scaling.factor =
      section.positive_or("factor", static_cast<double>(at.config.context) / scaling.original_context);
  const double usual =
      scaling.factor <= 1 ? 1 : std::sqrt(1 + std::log(scaling.factor) / std::log(scaling.original_context));
  scaling.attention_factor = section.positive_or("attention_factor", usual);
}

RopeScaling read_scaling(const Places& at, std::int64_t dims) {
  RopeScaling scaling;
  scaling.kind = read_kind(at);
  if (scaling.kind == Kind::none) return scaling;
  const ConfigFields& section = *at.section;
  if (scaling.kind == Kind::linear) {
    scaling.factor = section.positive("factor");
    return scaling;
  }
  if (scaling.kind == Kind::dynamic) {
    scaling.factor = section.positive("factor");
    // The longest context; an original one that the section holds is not asked for, and so named.
    scaling.original_context = static_cast<double>(at.config.context);
    if (dims < 4)
      section.fail("rope_type", "impossible value", "another scaling: dynamic needs 4 rotated dimensions",
                   fmt::format("dynamic with {}", dims));
    return scaling;
  }
  scaling.original_context = original_context(at);
  if (scaling.kind == Kind::yarn) read_yarn(at, scaling);
  if (scaling.kind == Kind::longrope) read_longrope(at, dims / 2, scaling);
  if (scaling.kind != Kind::llama3) return scaling;
  scaling.factor = section.positive("factor");
  scaling.low_freq_factor = section.positive("low_freq_factor");
  scaling.high_freq_factor = section.positive("high_freq_factor");
  if (scaling.high_freq_factor <= scaling.low_freq_factor)
    section.fail(
        "high_freq_factor", "impossible value", "a number above low_freq_factor",
        fmt::format("{} with low_freq_factor {}", scaling.high_freq_factor, scaling.low_freq_factor));
  return scaling;
}

Rope read_rope(const Places& at) {
  Rope rope;
  rope.theta = agreed(at, "rope_theta", at.names.theta_field, at.names.theta);
  const double part = agreed(at, "partial_rotary_factor", at.names.part_field, at.names.part);
  const std::int64_t head_dim = at.config.shape.head_dim;
  rope.dims = static_cast<std::int64_t>(part * static_cast<double>(head_dim));
  if (part > 1 || rope.dims < 2 || rope.dims % 2 != 0) {
    const bool whole = part == 1;
    at.top.fail(whole ? "head_dim" : at.names.part_field, "impossible value",
                whole ? "an even number, because rotary embedding rotates pairs"
                      : fmt::format("a part of {} dimensions that is an even number of them", head_dim),
                fmt::format("{}", whole ? static_cast<double>(head_dim) : part));
  }
  rope.scaling = read_scaling(at, rope.dims);
  return rope;
}

bool is_by_layer_type(const ConfigFields& section) {
  return section.has("full_attention") || section.has("sliding_attention");
}

// Layers with a window take the second embedding.
void give_local(ModelConfig& config, Rope rope) {
  config.ropes.push_back(std::move(rope));
  for (LayerKind& layer : config.layers)
    if (layer.window > 0) layer.rope = 1;
}

// The second embedding where the file does not describe it: not scaled.
void give_usual_local(const ConfigFields& fields, ModelConfig& config, const RopeFields& names) {
  Rope local;
  local.dims = config.ropes.front().dims;
  local.theta = fields.positive_or(names.local_theta_field, *names.local_theta);
  give_local(config, std::move(local));
}

void read_by_layer_type(const ConfigFields& fields, const ConfigFields& section, ModelConfig& config,
                        const RopeFields& names) {
  const ConfigFields full = section.object("full_attention");
  config.ropes = {read_rope({fields, &full, config, names})};
  const bool windows = std::any_of(config.layers.begin(), config.layers.end(),
                                   [](const LayerKind& layer) { return layer.window > 0; });
  if (!section.has("sliding_attention") && names.local_theta) return give_usual_local(fields, config, names);
  if (!section.has("sliding_attention") && !windows) return;
  const ConfigFields local = section.object("sliding_attention");
  RopeFields local_names = names;
  local_names.theta = names.local_theta.value_or(names.theta);
  give_local(config, read_rope({fields, &local, config, local_names}));
}

// A dynamic scaling is of use only to sequences longer than the context that it says.
void stretch_context(ModelConfig& config) {
  constexpr double kLongest = std::numeric_limits<std::int32_t>::max();
  for (const Rope& rope : config.ropes) {
    if (rope.scaling.kind != Kind::dynamic) continue;
    const double longer = std::min(rope.scaling.original_context * rope.scaling.factor, kLongest);
    config.context = std::max(config.context, static_cast<std::int64_t>(longer));
  }
}

void read_sections(const ConfigFields& fields, ModelConfig& config, const RopeFields& names) {
  const bool newer = fields.has("rope_parameters");
  if (newer && fields.has("rope_scaling"))
    fields.fail("rope_parameters", "two descriptions of the rotary embedding",
                "rope_scaling or rope_parameters", "both");
  const std::string name = newer ? "rope_parameters" : "rope_scaling";
  std::optional<ConfigFields> section;
  if (fields.has(name)) section = fields.object(name);
  if (section && is_by_layer_type(*section)) return read_by_layer_type(fields, *section, config, names);
  if (newer && names.local_theta)
    fields.fail(name, "wrong type", "full_attention and sliding_attention, each with its own settings",
                "settings for all layers");
  config.ropes = {read_rope({fields, section ? &*section : nullptr, config, names})};
  if (names.local_theta) give_usual_local(fields, config, names);
}

}  // namespace

void read_ropes(const ConfigFields& fields, ModelConfig& config, const RopeFields& names) {
  read_sections(fields, config, names);
  stretch_context(config);
}

}  // namespace toptheta
