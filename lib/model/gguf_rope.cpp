// Reads the rotary embedding of a GGUF file, with llama.cpp's defaults for what the file leaves out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "model/gguf_fields.hpp"

namespace toptheta {

namespace {

// Divisors of the frequencies, one for each pair; empty if the file has no such tensor.
std::vector<double> frequency_factors(const GgufFields& fields, const char* name, std::int64_t dims) {
  const GgufTensor* tensor = fields.file().find(name);
  if (tensor == nullptr) return {};
  if (tensor->shape != std::vector<std::int64_t>{dims / 2})
    throw InputError({.where = tensor->where,
                      .what = "wrong shape",
                      .expected = fmt::format("[{}], one factor for each pair", dims / 2),
                      .found = fmt::format("{} elements", tensor->size())});
  const std::vector<float> factors = floats_of(*tensor);
  if (!std::all_of(factors.begin(), factors.end(), [](float f) { return std::isfinite(f) && f > 0; }))
    throw InputError(
        {.where = tensor->where, .what = "impossible value", .expected = "finite numbers above 0"});
  return {factors.begin(), factors.end()};
}

// Of the whole context; 1 where the file names none. Older files give it by another key.
double read_factor(const GgufFields& fields) {
  const std::string name = "rope.scaling.factor";
  const double older = fields.positive_or("rope.scale_linear", 1);
  const double factor = fields.positive_or(name, older);
  if (fields.has("rope.scale_linear") && older != factor)
    fields.refuse(name, "contradicts rope.scale_linear", fmt::format("{}", older), fmt::format("{}", factor));
  return factor;
}

// Fails where the type of a scaling says something else than the factor beside it.
void require_agreement(const GgufFields& fields, const std::string& type, double factor) {
  const std::string name = "rope.scaling.type";
  if (type == "none" && factor != 1)
    fields.refuse(name, "contradicts the factor of the scaling", "linear or yarn, or no factor",
                  fmt::format("none, with a factor of {}", factor));
  if ((type == "linear" || type == "yarn") && !fields.has("rope.scaling.factor") &&
      !fields.has("rope.scale_linear"))
    fields.refuse(name, "the file scales, but does not say by how much", "a key rope.scaling.factor", type);
  if (type == "longrope" && fields.file().find("rope_factors_long.weight") == nullptr)
    fields.refuse(name, "the file scales, but does not say by how much",
                  "tensors rope_factors_short.weight and rope_factors_long.weight", type);
}

// Converters write transformers' attention_factor, which stands for the whole factor on cosines and sines;
// llama.cpp computes that factor itself and passes over the key. They agree where the key says what is usual.
double yarn_magnitude_of(const GgufFields& fields, double factor) {
  const double usual = factor > 1 ? 0.1 * std::log(factor) + 1 : 1;
  const std::string name = "rope.scaling.yarn_attn_factor";
  const double said = fields.positive_or(name, usual);
  if (std::abs(said - usual) > 1e-4 * usual)
    fields.refuse(name, "programs differ in what they make of another attention factor",
                  fmt::format("{:.6f}, which the scaling by {} has anyway, or no such key", usual, factor),
                  fmt::format("{}", said));
  return usual;
}

RopeScaling read_scaling_kind(const GgufFields& fields, const ModelConfig& config) {
  using ScalingKind = RopeScaling::Kind;
  RopeScaling scaling;
  const auto said = fields.keys().text(fields.key("rope.scaling.type"));
  const std::string type = said.value_or("linear");
  scaling.factor = read_factor(fields);
  scaling.original_context =
      fields.positive_or("rope.scaling.original_context_length", static_cast<double>(config.context));
  (void)fields.flag_or("rope.scaling.finetuned", true);
  scaling.attention_factor = fields.positive_or("rope.scaling.attn_factor", 1);
  // llama.cpp divides the frequencies by the factor under longrope too, beside its tensors of factors.
  if (type == "linear" || type == "longrope") {
    if (scaling.factor != 1) scaling.kind = ScalingKind::linear;
  } else if (type == "yarn") {
    scaling.kind = ScalingKind::yarn;
    scaling.beta_fast = fields.positive_or("rope.scaling.yarn_beta_fast", 32);
    scaling.beta_slow = fields.positive_or("rope.scaling.yarn_beta_slow", 1);
    scaling.attention_factor *= yarn_magnitude_of(fields, scaling.factor);
    if (const double blend = fields.positive_or("rope.scaling.yarn_ext_factor", 1); blend != 1)
      fields.refuse("rope.scaling.yarn_ext_factor", "another blend is not computed", "1",
                    fmt::format("{}", blend));
  } else if (type != "none") {
    fields.refuse("rope.scaling.type", "this scaling is not computed", "none, linear, yarn or longrope",
                  type);
  }
  if (said) require_agreement(fields, type, scaling.factor);
  return scaling;
}

}  // namespace

Rope read_gguf_rope(const GgufFields& fields, const ModelConfig& config) {
  const std::int64_t head_dim = config.shape.head_dim;
  Rope rope;
  rope.dims = fields.whole_or("rope.dimension_count", 2, head_dim, head_dim);
  if (rope.dims % 2 != 0)
    fields.refuse("rope.dimension_count", "impossible value", "an even number", fmt::format("{}", rope.dims));
  rope.theta = fields.positive_or("rope.freq_base", 10000);
  rope.scaling = read_scaling_kind(fields, config);
  RopeScaling& scaling = rope.scaling;
  const std::vector<double> all = frequency_factors(fields, "rope_freqs.weight", rope.dims);
  scaling.short_factors = frequency_factors(fields, "rope_factors_short.weight", rope.dims);
  scaling.long_factors = frequency_factors(fields, "rope_factors_long.weight", rope.dims);
  if (!all.empty()) scaling.short_factors = scaling.long_factors = all;
  if (scaling.short_factors.empty() != scaling.long_factors.empty())
    throw InputError({.where = fields.file().where(),
                      .what = "frequency factors are given for only one of short and long texts",
                      .expected = "tensors rope_factors_short.weight and rope_factors_long.weight"});
  if (scaling.short_factors.empty()) return rope;
  if (scaling.kind == RopeScaling::Kind::yarn)
    fields.refuse("rope.scaling.type", "does not go together with tensors of frequency factors",
                  "no scaling, or linear", "yarn");
  // Linear scaling divides all frequencies in addition.
  const double divisor = scaling.kind == RopeScaling::Kind::linear ? scaling.factor : 1;
  for (std::vector<double>* factors : {&scaling.short_factors, &scaling.long_factors})
    for (double& factor : *factors)
      factor *= divisor;
  scaling.kind = RopeScaling::Kind::longrope;
  return rope;
}

}  // namespace toptheta
