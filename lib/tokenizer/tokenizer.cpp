#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/bpe.hpp"
#include "tokenizer/decoder.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/post_processor.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {

struct Tokenizer::Impl {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  BpeModel model;
  AddedTokens added;
  Decoder decoder;
  std::optional<std::int32_t> bos;

  void encode_text(std::string_view text, bool at_start, std::vector<std::int32_t>& ids) const {
    for (const Word& word : pre_tokenizer.split({std::string(text), at_start}))
      model.encode(word.text, ids);
  }
};

namespace {

// Sees every key of the file as it is read: a token that is given twice would otherwise replace the first
// silently.
class DuplicateFinder {
 public:
  explicit DuplicateFinder(std::string file) : file_(std::move(file)) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::key && depth == 1) in_model_ = parsed == "model";
    if (event == Event::key && depth == 2) in_vocab_ = in_model_ && parsed == "vocab";
    if (event == Event::key && depth == 3 && in_vocab_) {
      ++tokens_;
    } else if (event == Event::object_end && depth == 2 && in_vocab_) {
      check(parsed.size());
      in_vocab_ = false;
    }
    return true;
  }

 private:
  void check(std::size_t different) const {
    if (different == tokens_) return;
    throw InputError({.where = file_ + ": model.vocab",
                      .what = "a token is given twice",
                      .expected = fmt::format("{} different tokens", tokens_),
                      .found = std::to_string(different)});
  }

  std::string file_;
  bool in_model_ = false;
  bool in_vocab_ = false;
  std::size_t tokens_ = 0;
};

void refuse(const JsonField& root, const char* name) {
  if (const auto field = root.find(name)) {
    field->fail("would change the ids of long or short texts", "null",
                fmt::format("set \"{}\" to null", name));
  }
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  DuplicateFinder finder(path.string());
  const nlohmann::json json = parse_json_file(path, std::ref(finder));
  const JsonField root(json, path.string());
  refuse(root, "truncation");
  refuse(root, "padding");
  const auto normalizer = root.find("normalizer");
  const auto pre_tokenizer = root.find("pre_tokenizer");
  auto impl = std::make_unique<Impl>(Impl{.normalizer = Normalizer::parse(normalizer),
                                          .pre_tokenizer = PreTokenizer::parse(pre_tokenizer),
                                          .model = BpeModel::parse(root.at("model")),
                                          .added = {},
                                          .decoder = Decoder::parse(root.find("decoder")),
                                          .bos = parse_bos(root.find("post_processor"))});
  if (impl->pre_tokenizer.depends_on_start() && !impl->normalizer.is_identity()) {
    normalizer->fail("cannot be reproduced exactly together with the prepend scheme \"first\"", "null");
  }
  impl->added = AddedTokens::parse(root.find("added_tokens"), impl->model, impl->normalizer);
  Tokenizer tokenizer(std::move(impl));
  if (const auto bos = tokenizer.bos(); bos && *bos >= tokenizer.vocab_size()) {
    root.at("post_processor")
        .fail("puts a token before the text that is not in the vocabulary",
              fmt::format("an id below {}", tokenizer.vocab_size()));
  }
  return tokenizer;
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  if (const auto invalid = find_invalid_utf8(text)) {
    throw InputError({.where = fmt::format("text, byte {}", *invalid),
                      .what = "not valid UTF-8",
                      .next = "convert the text to UTF-8"});
  }
  std::vector<std::int32_t> ids;
  for (const Segment& raw : impl_->added.split_raw(text)) {
    if (raw.id) {
      ids.push_back(*raw.id);
      continue;
    }
    const bool at_start = raw.text.data() == text.data();
    const std::string normalized = impl_->normalizer.apply(std::string(raw.text));
    for (const Segment& segment : impl_->added.split_normalized(normalized)) {
      if (segment.id) {
        ids.push_back(*segment.id);
      } else {
        impl_->encode_text(segment.text, at_start && segment.text.data() == normalized.data(), ids);
      }
    }
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    if (id < 0 || impl_->added.is_special(id)) continue;
    if (const std::string* content = impl_->added.content(id)) {
      tokens.push_back(*content);
    } else if (id < impl_->model.vocab_size()) {
      tokens.push_back(impl_->model.token(id));
    }
  }
  return impl_->decoder.decode(std::move(tokens));
}

std::int64_t Tokenizer::vocab_size() const {
  return std::max(impl_->model.vocab_size(), impl_->added.end_id());
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto added = impl_->added.id_of(token);
  return added ? added : impl_->model.id_of(token);
}

std::optional<std::int32_t> Tokenizer::bos() const {
  return impl_->bos;
}

}  // namespace toptheta
