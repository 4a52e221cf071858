#include "model/gguf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <map>
#include <memory>

#include "core/error.hpp"
#include "io/gguf.hpp"
#include "model/gguf_fields.hpp"

namespace toptheta {

namespace {

// Tensors that belong to the configuration rather than to the weights: factors of rotary frequencies.
constexpr std::string_view kOfConfiguration[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                                 "rope_factors_short.weight"};

// Keys of the tokenizer that affect no token id: ids of special tokens that a forward pass never sees, and
// templates, which other parts of the program read.
constexpr std::string_view kHarmlessOfTokenizer[] = {
    "tokenizer.chat_template",           "tokenizer.chat_templates",        "tokenizer.ggml.cls_token_id",
    "tokenizer.ggml.eom_token_id",       "tokenizer.ggml.eot_token_id",     "tokenizer.ggml.fim_mid_token_id",
    "tokenizer.ggml.fim_pad_token_id",   "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",   "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.mask_token_id",
    "tokenizer.ggml.middle_token_id",    "tokenizer.ggml.padding_token_id", "tokenizer.ggml.prefix_token_id",
    "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.suffix_token_id",  "tokenizer.ggml.token_type_count",
    "tokenizer.huggingface.json"};

class GgufSource : public TensorSource {
 public:
  explicit GgufSource(std::shared_ptr<const GgufFile> file) : file_(std::move(file)) {
    for (std::size_t i = 0; i < file_->tensors().size(); ++i) {
      const GgufTensor& tensor = file_->tensors()[i];
      if (std::find(std::begin(kOfConfiguration), std::end(kOfConfiguration), tensor.name) !=
          std::end(kOfConfiguration))
        continue;
      sources_.emplace(tensor.name, SourceTensor{.name = tensor.name,
                                                 .shape = tensor.shape,
                                                 .type = std::string(gguf_type_info(tensor.type).name),
                                                 .where = tensor.where,
                                                 .index = i});
    }
  }

  [[nodiscard]] const SourceTensor* find(std::string_view name) const override {
    const auto found = sources_.find(name);
    return found == sources_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::vector<std::string> names() const override {
    std::vector<std::string> names;
    names.reserve(sources_.size());
    for (const auto& [name, source] : sources_)
      names.push_back(name);
    return names;
  }
  [[nodiscard]] const std::string& where() const override { return file_->where(); }

  [[nodiscard]] bool read_rows(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                               float* out) const override {
    const GgufTensor& from = file_->tensors()[tensor.index];
    const auto part = rows_of(tensor, first, count);
    const std::span<float> values(out, static_cast<std::size_t>(count * tensor.row_size()));
    widen_gguf(from.type, part, values);
    release(part);
    bool finite = true;
    for (const float value : values)
      finite &= is_finite(value);
    return finite;
  }

  [[nodiscard]] std::int64_t code_group(const SourceTensor& tensor) const override {
    return gguf_type_info(file_->tensors()[tensor.index].type).group;
  }

  [[nodiscard]] bool read_codes(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                                const CodedRows& to) const override {
    const GgufTypeInfo& info = gguf_type_info(file_->tensors()[tensor.index].type);
    const auto part = rows_of(tensor, first, count);
    const auto group = static_cast<std::size_t>(to.group);
    GgufBlock block;
    CodedRows at = to;
    bool finite = true;
    for (std::size_t byte = 0; byte < part.size(); byte += info.bytes) {
      decode_gguf_block(info.type, part.data() + byte, block);
      std::copy_n(block.codes.begin(), info.elements, at.codes);
      at.codes += info.elements;
      for (std::size_t first_code = 0; first_code < info.elements; first_code += group) {
        const std::size_t of = first_code / info.group;
        const float scale = block.scales[of];
        *at.scales++ = scale;
        // The zero point is a power of two, so the product is exact.
        const float offset = -static_cast<float>(info.zero) * scale;
        *at.offsets++ = info.has_least ? offset + block.least[of] : offset;
        finite &= is_finite(at.offsets[-1]) && is_finite(scale);
      }
    }
    release(part);
    return finite;
  }

 private:
  static bool is_finite(float value) {
    return (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
  }
  [[nodiscard]] std::span<const std::byte> rows_of(const SourceTensor& tensor, std::int64_t first,
                                                   std::int64_t count) const {
    const GgufTensor& from = file_->tensors()[tensor.index];
    const GgufTypeInfo& info = gguf_type_info(from.type);
    const std::size_t row_bytes = static_cast<std::size_t>(tensor.row_size()) / info.elements * info.bytes;
    return from.data.subspan(static_cast<std::size_t>(first) * row_bytes,
                             static_cast<std::size_t>(count) * row_bytes);
  }
  // Gives back the file's pages that have been read and are not needed again. Small pieces are not worth the
  // call.
  void release(std::span<const std::byte> part) const {
    constexpr std::size_t kWorthReleasing = std::size_t{1} << 16;
    if (part.size() >= kWorthReleasing) file_->release(part);
  }

  std::shared_ptr<const GgufFile> file_;
  std::map<std::string, SourceTensor, std::less<>> sources_;
};

std::optional<std::int32_t> token_id(GgufKeys& keys, std::string_view key, std::int64_t end) {
  const auto id = keys.whole(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= end)
    throw InputError({.where = keys.where(key),
                      .what = "no token of the vocabulary has this id",
                      .expected = fmt::format("0 to {}", end - 1),
                      .found = fmt::format("{}", *id)});
  return static_cast<std::int32_t>(*id);
}

void read_special_ids(GgufKeys& keys, ModelConfig& config) {
  config.bos_token = token_id(keys, "tokenizer.ggml.bos_token_id", config.vocab_size);
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const auto id = token_id(keys, key, config.vocab_size);
    if (id && std::find(config.eos_tokens.begin(), config.eos_tokens.end(), *id) == config.eos_tokens.end())
      config.eos_tokens.push_back(*id);
  }
}

// Throws InputError for a file that is no model or only a part of one, or whose quantised blocks have an old
// layout.
void require_whole(const GgufFile& file, GgufKeys& keys) {
  constexpr std::string_view kType = "general.type";
  if (const std::string type = keys.text(kType).value_or("model"); type != "model")
    throw InputError({.where = keys.where(kType), .what = "not a model", .expected = "model", .found = type});
  const std::int64_t parts = keys.whole("split.count").value_or(1);
  if (parts > 1)
    throw InputError({.where = keys.where("split.count"),
                      .what = "this is one of several files of a model",
                      .expected = "a model in one file",
                      .found = fmt::format("{} files", parts),
                      .next = "join them: llama-gguf-split --merge FIRST-FILE OUTPUT.gguf"});
  if (const std::int64_t number = keys.whole("split.no").value_or(0); number != 0)
    throw InputError({.where = keys.where("split.no"),
                      .what = "contradicts the number of files",
                      .expected = "0, of one file",
                      .found = fmt::format("{}", number)});
  const std::int64_t tensors = std::ssize(file.tensors());
  if (const std::int64_t said = keys.whole("split.tensors.count").value_or(tensors); said != tensors)
    throw InputError({.where = keys.where("split.tensors.count"),
                      .what = "contradicts the tensors that are there",
                      .expected = fmt::format("{}", tensors),
                      .found = fmt::format("{}", said),
                      .next = "the file is a part of a model: fetch all of it"});
  constexpr std::string_view kVersion = "general.quantization_version";
  const std::int64_t version = keys.whole(kVersion).value_or(2);
  if (version != 2)
    throw InputError({.where = keys.where(kVersion),
                      .what = "quantised blocks of this version are not read",
                      .expected = "2",
                      .found = fmt::format("{}", version)});
}

GgufVocabulary vocabulary_of(const GgufFile& file, GgufKeys& keys) {
  GgufVocabulary vocabulary;
  const std::string prefix = "tokenizer.ggml.";
  vocabulary.source = file.where();
  vocabulary.model = keys.text(prefix + "model").value_or("");
  vocabulary.pre = keys.text(prefix + "pre").value_or("");
  vocabulary.tokens = keys.texts(prefix + "tokens").value_or(std::vector<std::string>{});
  vocabulary.merges = keys.texts(prefix + "merges").value_or(std::vector<std::string>{});
  for (const double score : keys.numbers(prefix + "scores").value_or(std::vector<double>{}))
    vocabulary.scores.push_back(static_cast<float>(score));
  for (const std::int64_t type : keys.wholes(prefix + "token_type").value_or(std::vector<std::int64_t>{}))
    vocabulary.types.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(type, -1, 1 << 16)));
  const std::int64_t end = std::ssize(vocabulary.tokens);
  vocabulary.bos = token_id(keys, prefix + "bos_token_id", end);
  vocabulary.eos = token_id(keys, prefix + "eos_token_id", end);
  vocabulary.unknown = token_id(keys, prefix + "unknown_token_id", end);
  vocabulary.add_bos = keys.flag(prefix + "add_bos_token");
  vocabulary.add_eos = keys.flag(prefix + "add_eos_token");
  vocabulary.add_space_prefix = keys.flag(prefix + "add_space_prefix");
  vocabulary.remove_whitespaces = keys.flag(prefix + "remove_extra_whitespaces");
  return vocabulary;
}

void keep_unasked(const GgufFile& file, GgufKeys& keys, ModelConfig& config) {
  for (const std::string_view key : kHarmlessOfTokenizer)
    keys.pass_over(key);
  (void)vocabulary_of(file, keys);
  for (const std::string& key : keys.unasked()) {
    // "general." describes the file, "split." its parts, and "quantize." how it was made.
    const auto begins = [&](std::string_view start) { return key.compare(0, start.size(), start) == 0; };
    if (begins("general.") || begins("split.") || begins("quantize.")) continue;
    config.unused.push_back(keys.where(key));
  }
}

}  // namespace

bool is_gguf(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  if (path.extension() == ".gguf") return true;
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == "GGUF";
}

ModelFiles open_gguf(const std::filesystem::path& path) {
  auto file = std::make_shared<const GgufFile>(path);
  GgufKeys keys(*file);
  ModelConfig config;
  config.name = path.stem().string();
  config.family = keys.required_text("general.architecture");
  require_whole(*file, keys);
  describe_gguf(GgufFields(*file, keys, config.family), config);
  read_special_ids(keys, config);
  keep_unasked(*file, keys, config);
  return {std::move(config), std::make_unique<GgufSource>(std::move(file))};
}

GgufVocabulary read_gguf_vocabulary(const GgufFile& file) {
  GgufKeys keys(file);
  GgufVocabulary vocabulary = vocabulary_of(file, keys);
  if (vocabulary.tokens.empty())
    throw InputError({.where = keys.where("tokenizer.ggml.tokens"),
                      .what = "the file has no vocabulary",
                      .expected = "an array of strings",
                      .next = "use a file that has one, or give token ids instead of text"});
  return vocabulary;
}

GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& path) {
  return read_gguf_vocabulary(GgufFile(path));
}

ChatFormat read_gguf_chat(const std::filesystem::path& path) {
  const GgufFile file(path);
  GgufKeys keys(file);
  constexpr std::string_view kTemplate = "tokenizer.chat_template";
  ChatFormat chat{.source = keys.text(kTemplate).value_or(""), .where = keys.where(kTemplate)};
  const auto tokens = keys.texts("tokenizer.ggml.tokens").value_or(std::vector<std::string>{});
  for (const auto& [name, key] : {std::pair{"bos_token", "tokenizer.ggml.bos_token_id"},
                                  std::pair{"eos_token", "tokenizer.ggml.eos_token_id"},
                                  std::pair{"unk_token", "tokenizer.ggml.unknown_token_id"},
                                  std::pair{"pad_token", "tokenizer.ggml.padding_token_id"}}) {
    if (const auto id = token_id(keys, key, std::ssize(tokens)))
      chat.special_tokens[name] = tokens[static_cast<std::size_t>(*id)];
  }
  return chat;
}

}  // namespace toptheta
