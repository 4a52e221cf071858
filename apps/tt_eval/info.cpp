// tt-eval info: what a model is, as this program reads it.
#include <fmt/format.h>

#include <chrono>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "common/strict.hpp"
#include "kernels/linear/product_library.hpp"
#include "model/describe.hpp"
#include "model/language_model.hpp"
#include "report/json.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

namespace {

using OrderedJson = nlohmann::ordered_json;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class InfoCommand : public Command {
 public:
  void declare(CLI::App& app) override {
    declare_model(app, model_);
    declare_compute(app, compute_);
    declare_strict(app, strict_);
    add_choice(
        app, "--format", {"table", "json"}, [this](std::string_view name) { format_ = name; },
        [this] { return format_; }, "table = lines for people. By default table, or json if -o ends in .json")
        ->group(kOutputGroup);
    declare_output(app, output_, "Write to this file instead of standard output");
  }
  void run(Session& session) override;

 private:
  std::string model_{};
  Compute compute_ = Compute::f32;
  bool strict_ = false;
  std::string format_{};
  std::string output_{};
};

OrderedJson info_of(LanguageModel& model, Compute compute, double load_seconds) {
  const ModelConfig& config = model.transformer.config();
  const ModelShape& shape = config.shape;
  const WeightSize size = model.transformer.weight_size();
  KvCache cache = model.transformer.new_cache(1);
  const std::int32_t token = model.bos_token.value_or(0);
  const auto begin = std::chrono::steady_clock::now();
  model.transformer.forward({&token, 1}, cache, dense_policy(shape));
  const std::int64_t kv = 8 * shape.num_layers * shape.num_kv_heads * shape.head_dim;
  OrderedJson special = {{"bos", nullptr}, {"eos", model.eos_tokens}};
  if (model.bos_token) special["bos"] = *model.bos_token;
  return {{"schema", "toptheta.model/1"},
          {"name", config.name},
          {"sha256", model.sha256},
          {"family", config.family},
          {"architecture", describe(config)},
          {"shape",
           {{"layers", shape.num_layers},
            {"query_heads", shape.num_heads},
            {"kv_heads", shape.num_kv_heads},
            {"head_dim", shape.head_dim},
            {"hidden", config.hidden_size},
            {"ffn", config.ffn_size},
            {"vocabulary", config.vocab_size},
            {"context", config.context}}},
          {"parameters", size.parameters},
          {"compute", name_of(compute)},
          {"weights_kept_as_stored", size.kept_codes},
          {"weight_bytes", size.bytes},
          {"kv_bytes_per_token_f32", kv},
          {"tokens_known", model.tokenizer.vocab_size()},
          {"special_tokens", special},
          {"not_used", config.unused},
          {"notes", model.notes},
          {"chat_template", !model.chat.source.empty()},
          {"products", product_library()},
          {"load_seconds", load_seconds},
          {"first_token_seconds", load_seconds + seconds_since(begin)}};
}

std::string readable_info(const OrderedJson& info) {
  std::string text = fmt::format("{}\n", info.at("name").get<std::string>());
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("  {:<16}{}\n", name, value);
  };
  for (const auto& words : info.at("architecture"))
    line(&words == &info.at("architecture").front() ? "architecture" : "", words.get<std::string>());
  line("context", fmt::format("{} tokens", info.at("shape").at("context").get<std::int64_t>()));
  line("parameters", fmt::format("{:.1f} million", info.at("parameters").get<double>() / 1e6));
  if (info.at("compute") == "q8")
    line("weights", fmt::format("{:.1f} million as the file's own integers, other matrices rounded to 8 bits",
                                info.at("weights_kept_as_stored").get<double>() / 1e6));
  line("memory", fmt::format("{:.1f} MB of weights, {:.1f} KB of f32 keys and values per token",
                             info.at("weight_bytes").get<double>() / 1e6,
                             info.at("kv_bytes_per_token_f32").get<double>() / 1e3));
  line("tokenizer", fmt::format("{} tokens", info.at("tokens_known").get<std::int64_t>()));
  line("special tokens", fmt::format("BOS {}, EOS {}", info.at("special_tokens").at("bos").dump(),
                                     info.at("special_tokens").at("eos").dump()));
  for (const auto& unused : info.at("not_used"))
    line("not used", unused.get<std::string>());
  for (const auto& note : info.at("notes"))
    line("note", note.get<std::string>());
  line("chat template", info.at("chat_template").get<bool>() ? "yes: generate --chat" : "none");
  line("products", info.at("products").get<std::string>());
  line("first token",
       fmt::format("after {:.2f} s, of which {:.2f} s loading", info.at("first_token_seconds").get<double>(),
                   info.at("load_seconds").get<double>()));
  return text;
}

void InfoCommand::run(Session& session) {
  session.wait_passively();
  const std::filesystem::path path = resolve_model(model_, session);
  const Compute compute = resolve_compute(compute_, session);
  const auto begin = std::chrono::steady_clock::now();
  LanguageModel model = load_language_model(path, compute);
  const double load_seconds = seconds_since(begin);
  if (strict_) tell_unused(model, true, session);
  const OrderedJson info = info_of(model, compute, load_seconds);
  const bool json =
      format_.empty() ? std::filesystem::path(output_).extension() == ".json" : format_ == "json";
  write_output(output_, json ? format_json(info) : readable_info(info));
}

}  // namespace

std::unique_ptr<Command> make_info_command() {
  return std::make_unique<InfoCommand>();
}

}  // namespace toptheta::app
