#include "model/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "model/family.hpp"

namespace toptheta {

namespace {

// Fields that do not affect a forward pass: they matter only in training, or tell another program how to run
// the model.
constexpr std::string_view kHarmless[] = {"_name_or_path",
                                          "_commit_hash",
                                          "_attn_implementation",
                                          "attention_dropout",
                                          "attn_implementation",
                                          "attn_pdrop",
                                          "auto_map",
                                          "cache_implementation",
                                          "classifier_dropout",
                                          "dtype",
                                          "embd_pdrop",
                                          "ffn_dropout",
                                          "gradient_checkpointing",
                                          "hidden_dropout",
                                          "hidden_dropout_prob",
                                          "initializer_range",
                                          "is_decoder",
                                          "is_llama_config",
                                          "n_ctx",
                                          "output_attentions",
                                          "output_hidden_states",
                                          "output_router_logits",
                                          "pad_token_id",
                                          "pretraining_tp",
                                          "reorder_and_upcast_attn",
                                          "resid_pdrop",
                                          "return_dict",
                                          "router_aux_loss_coef",
                                          "router_jitter_noise",
                                          "sep_token_id",
                                          "summary_activation",
                                          "summary_first_dropout",
                                          "summary_proj_to_labels",
                                          "summary_type",
                                          "summary_use_proj",
                                          "task_specific_params",
                                          "torch_dtype",
                                          "transformers.js_config",
                                          "transformers_version",
                                          "unk_token_id",
                                          "use_cache"};

void keep_unknown(const ConfigFields& fields, ModelConfig& config) {
  for (const std::string_view name : kHarmless)
    fields.ignore(std::string(name));
  for (std::string& place : fields.unused())
    config.unused.push_back(std::move(place));
}

std::string known_families() {
  std::vector<std::string> names;
  for (const Family& family : all_families())
    names.emplace_back(family.class_name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

const Family& find_family(const ConfigFields& fields) {
  const std::string refused = "this architecture is not computed";
  const Family* found = nullptr;
  const auto look_up = [&](std::string_view Family::*field, std::string_view value) {
    for (const Family& family : all_families())
      if (family.*field == value) found = &family;
  };
  if (const auto classes = fields.find("architectures")) {
    const bool one_name = classes->is_list() && classes->size() == 1 && classes->elements().front().is_text();
    if (one_name) look_up(&Family::class_name, classes->elements().front().text());
    if (found == nullptr) fields.refuse("architectures", refused, "one of " + known_families());
  }
  const std::string type = fields.text_or("model_type", "");
  if (found == nullptr) look_up(&Family::model_type, type);
  if (found == nullptr || (!type.empty() && type != found->model_type))
    fields.fail("model_type", refused,
                found != nullptr ? std::string(found->model_type) : "that of " + known_families(),
                type.empty() ? "nothing" : type);
  return *found;
}

void read_special_tokens(const ConfigFields& fields, ModelConfig& config) {
  const std::int64_t last = config.vocab_size - 1;
  if (fields.has("bos_token_id"))
    config.bos_token = static_cast<std::int32_t>(fields.integer("bos_token_id", 0, last));
  if (!fields.has("eos_token_id")) return;
  config.eos_tokens.clear();
  for (const std::int64_t token : fields.integers("eos_token_id", 0, last))
    config.eos_tokens.push_back(static_cast<std::int32_t>(token));
}

}  // namespace

double ModelConfig::attention_scale(std::int64_t layer) const {
  const double scale = score_scale != 0 ? score_scale : 1 / std::sqrt(static_cast<double>(shape.head_dim));
  return layers.empty() ? scale : scale * layers[static_cast<std::size_t>(layer)].score_factor;
}

std::string layer_tensor(const std::string& pattern, std::int64_t layer, std::int64_t expert) {
  return fmt::format(fmt::runtime(pattern), layer, expert);
}

ModelConfig read_config(const std::filesystem::path& path) {
  const ConfigFields fields(path);
  ModelConfig config;
  config.name = std::filesystem::absolute(path).parent_path().filename().string();
  const Family& family = find_family(fields);
  config.family = family.model_type;
  if (fields.has("quantization_config"))
    fields.refuse("quantization_config", "quantised weights are not read", "no such field",
                  "use the checkpoint's F32, F16 or BF16 version, or a GGUF file");
  family.describe(fields, config);
  read_special_tokens(fields, config);
  keep_unknown(fields, config);
  return config;
}

}  // namespace toptheta
