#include "model/language_model.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "model/gguf_model.hpp"
#include "tokenizer/tokenizer_config.hpp"

namespace toptheta {

namespace {

// A model may have more rows than its tokenizer has tokens (padding), but not fewer.
void require_vocabulary(const Tokenizer& tokenizer, const ModelConfig& config,
                        const std::filesystem::path& path) {
  if (tokenizer.vocab_size() <= config.vocab_size) return;
  throw InputError({.where = path.string(),
                    .what = "the tokenizer does not fit the model",
                    .expected = fmt::format("token ids below vocab_size, {}", config.vocab_size),
                    .found = fmt::format("ids up to {}", tokenizer.vocab_size() - 1),
                    .next = "use the model's own tokenizer"});
}

// What the files beside a tokenizer say, or a GGUF file's metadata.
struct Beside {
  GenerationConfig generation{};
  ChatFormat chat{};
  std::vector<std::string> notes{};
};

ChatFormat chat_format(const TokenizerConfig& config, const std::filesystem::path& directory) {
  const auto found = config.chat_templates.find("default");
  return {.source = found == config.chat_templates.end() ? std::string() : found->second,
          .where = config.chat_where.empty() ? directory.string() : config.chat_where,
          .special_tokens = config.special_tokens};
}

// Whether the tokenizer itself adds a blank in front of a text.
bool puts_blank(const Tokenizer& tokenizer) {
  const std::vector<std::int32_t> ids = tokenizer.encode("a");
  const std::string first = ids.empty() ? std::string() : tokenizer.piece(ids.front()).value_or("");
  return first.starts_with("\u0120") || first.starts_with("\u2581") || first.starts_with(' ');
}

// Notes where tokenizer_config.json contradicts the tokenizer itself. This program follows the tokenizer;
// others follow one or the other.
void note_contradictions(const TokenizerConfig& config, const Tokenizer& tokenizer, const std::string& where,
                         std::vector<std::string>& notes) {
  const auto compare = [&](const std::optional<bool>& said, bool is, const char* field) {
    if (said && *said != is)
      notes.push_back(fmt::format("{}: {} is not followed: the tokenizer's own template {} one", where, field,
                                  is ? "adds" : "does not add"));
  };
  compare(config.add_bos, tokenizer.bos().has_value(), "add_bos_token");
  if (tokenizer.after().empty()) compare(config.add_eos, false, "add_eos_token");
  if (config.add_prefix_space && *config.add_prefix_space != puts_blank(tokenizer))
    notes.push_back(
        fmt::format("{}: add_prefix_space is not followed: the tokenizer itself adds {} blank before a text",
                    where, *config.add_prefix_space ? "no" : "a"));
  for (const auto& [id, content] : config.added_tokens) {
    if (const auto own = tokenizer.id_of(content); own && std::to_string(*own) == id) continue;
    notes.push_back(
        fmt::format("{}: added_tokens_decoder.{} is not followed: the tokenizer has no token \"{}\" "
                    "with this id",
                    where, id, content));
    break;
  }
}

Beside beside_directory(const std::filesystem::path& directory, const Tokenizer& tokenizer) {
  const TokenizerConfig config = read_tokenizer_config(directory);
  Beside beside{read_generation_config(directory), chat_format(config, directory), {}};
  note_contradictions(config, tokenizer, (directory / "tokenizer_config.json").string(), beside.notes);
  return beside;
}

// Notes that a token which the tokenizer would add at the end is left out of texts that are scored or
// continued.
void note_end(const Tokenizer& tokenizer, const std::filesystem::path& path,
              std::vector<std::string>& notes) {
  if (tokenizer.after().empty()) return;
  notes.push_back(fmt::format(
      "{}: its tokenizer adds \"{}\" at the end of a text, which is left out of prompts and scored texts",
      path.string(), tokenizer.piece(tokenizer.after().front()).value_or("")));
}

// A token that the model has not is never generated, and a text would not end there.
void require_ends(const GenerationConfig& generation, const ModelConfig& config,
                  const std::filesystem::path& directory) {
  if (!generation.eos_tokens) return;
  for (const std::int32_t token : *generation.eos_tokens)
    if (token >= config.vocab_size)
      throw InputError({.where = (directory / "generation_config.json").string() + ":eos_token_id",
                        .what = "not a token of the model",
                        .expected = fmt::format("ids below vocab_size, {}", config.vocab_size),
                        .found = fmt::format("{}", token)});
}

}  // namespace

Tokenizer load_model_tokenizer(const std::filesystem::path& model) {
  if (is_gguf(model)) return Tokenizer::from_gguf(read_gguf_vocabulary(model));
  const std::filesystem::path ending = model.extension();
  const bool own_file = !std::filesystem::is_directory(model) && (ending == ".json" || ending == ".model");
  return own_file ? Tokenizer::load(model) : Tokenizer::load_directory(model_directory(model));
}

LanguageModel load_language_model(const std::filesystem::path& path, Compute compute) {
  ModelFiles files = open_model(path);
  // The tokenizer comes first: it is read faster than the weights, and is as likely to be refused.
  Tokenizer tokenizer = load_model_tokenizer(path);
  require_vocabulary(tokenizer, files.config,
                     is_gguf(path) ? path : model_directory(path) / "tokenizer.json");
  Beside beside = is_gguf(path) ? Beside{{}, read_gguf_chat(path), {}}
                                : beside_directory(model_directory(path), tokenizer);
  require_ends(beside.generation, files.config, model_directory(path));
  const auto& notes = tokenizer.notes();
  beside.notes.insert(beside.notes.begin(), notes.begin(), notes.end());
  note_end(tokenizer, path, beside.notes);
  const auto own_bos = tokenizer.bos();
  const auto bos = own_bos ? own_bos : files.config.bos_token;
  std::vector<std::int32_t> eos = beside.generation.eos_tokens.value_or(files.config.eos_tokens);
  return {.transformer = Transformer::load(std::move(files), compute),
          .tokenizer = std::move(tokenizer),
          .sha256 = sha256_of_path(path),
          .bos_token = bos,
          .eos_tokens = std::move(eos),
          .generation = std::move(beside.generation),
          .chat = std::move(beside.chat),
          .notes = std::move(beside.notes)};
}

std::int32_t start_token(const LanguageModel& model) {
  if (model.bos_token) return *model.bos_token;
  if (!model.eos_tokens.empty()) return model.eos_tokens.front();
  throw InputError({.where = model.transformer.config().name,
                    .what = "no token to start a text with",
                    .expected = "bos_token_id or eos_token_id in config.json, or a tokenizer that adds one"});
}

std::vector<std::int32_t> encode_prompt(const LanguageModel& model, std::string_view text) {
  std::vector<std::int32_t> ids = model.tokenizer.encode(text);
  if (model.tokenizer.bos() || ids.empty()) ids.insert(ids.begin(), start_token(model));
  return ids;
}

std::string render_chat(const ChatTemplate& chat, std::string_view system, std::string_view user) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  messages.push_back({{"role", "user"}, {"content", user}});
  return chat.render(messages, true);
}

std::vector<std::int32_t> encode_chat(const LanguageModel& model, std::string_view system,
                                      std::string_view user) {
  return model.tokenizer.encode(render_chat(ChatTemplate(model.chat), system, user));
}

}  // namespace toptheta
