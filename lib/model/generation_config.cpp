#include "model/generation_config.hpp"

#include <limits>

#include "io/json_reader.hpp"
#include "tokenizer/json_field.hpp"

namespace toptheta {
namespace {

std::int32_t generation_token(const JsonField& field) {
  const std::int64_t id = field.as_int();
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
    field.fail("wrong token id", "an id of the vocabulary");
  return static_cast<std::int32_t>(id);
}

std::vector<std::int32_t> generation_tokens(const JsonField& field) {
  if (!field.json().is_array()) return {generation_token(field)};
  std::vector<std::int32_t> tokens;
  for (const JsonField& element : field.elements())
    tokens.push_back(generation_token(element));
  return tokens;
}

double generation_number(const JsonField& field, double above, double at_most, const char* expected) {
  if (!field.json().is_number()) field.fail("wrong type", expected);
  const double value = field.json().get<double>();
  if (!(value > above && value <= at_most)) field.fail("wrong value", expected);
  return value;
}

}  // namespace

GenerationConfig read_generation_config(const std::filesystem::path& directory) {
  GenerationConfig config;
  const std::filesystem::path path = directory / "generation_config.json";
  if (!std::filesystem::exists(path)) return config;
  const JsonValue json = read_json_file(path);
  const JsonField root(json.raw(), path.string(), "", &config.notes);
  // The known keys: those that are used, those that do not affect which tokens are chosen, and those that the
  // command line replaces.
  root.name_unread({"eos_token_id", "bos_token_id", "pad_token_id", "do_sample", "temperature", "top_p",
                    "top_k", "max_length", "max_new_tokens", "use_cache", "transformers_version",
                    "_from_model_config", "trust_remote_code"});
  if (const auto eos = root.find("eos_token_id")) config.eos_tokens = generation_tokens(*eos);
  if (const auto sample = root.find("do_sample")) config.do_sample = sample->as_bool();
  constexpr double kMost = std::numeric_limits<double>::max();
  if (const auto field = root.find("temperature"); field && field->json() != 0)
    config.temperature = generation_number(*field, 0, kMost, "a number above 0");
  if (const auto field = root.find("top_p"))
    config.top_p = generation_number(*field, 0, 1, "a number above 0, at most 1");
  if (const auto field = root.find("top_k")) {
    if (field->as_int() < 0) field->fail("wrong value", "an integer, 0 for all");
    config.top_k = field->as_int();
  }
  return config;
}

std::optional<SamplingOptions> sampling_of(const SamplingRequest& request, const GenerationConfig& model,
                                           std::uint64_t seed) {
  if (!request.asked() || request.temperature == 0) return std::nullopt;
  return SamplingOptions{.temperature = request.temperature.value_or(model.temperature.value_or(1)),
                         .top_k = request.top_k.value_or(model.top_k.value_or(0)),
                         .top_p = request.top_p.value_or(model.top_p.value_or(1)),
                         .seed = seed};
}

}  // namespace toptheta
