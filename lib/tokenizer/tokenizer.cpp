#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/parts.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {

struct Tokenizer::Impl {
  TokenizerParts parts;

  void encode_text(std::string_view text, bool at_start, std::vector<std::int32_t>& ids) const {
    for (const Word& word : parts.pre_tokenizer.split({std::string(text), at_start}))
      parts.model->encode(word.text, ids);
  }
  [[nodiscard]] const std::string* piece(std::int32_t id) const {
    const std::string* content = parts.added.content(id);
    return content != nullptr ? content : parts.model->vocabulary().token(id);
  }
};

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const bool is_json = path.extension() != ".model";
  return Tokenizer(
      std::make_unique<Impl>(Impl{is_json ? parts_of_json(path) : parts_of_sentencepiece(path)}));
}

Tokenizer Tokenizer::load_directory(const std::filesystem::path& directory) {
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    if (std::filesystem::exists(directory / name)) return load(directory / name);
  }
  throw InputError({.where = (directory / "tokenizer.json").string(),
                    .what = "cannot read: no such file",
                    .expected = "this file, or SentencePiece's tokenizer.model beside it"});
}

Tokenizer Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  return Tokenizer(std::make_unique<Impl>(Impl{parts_of_gguf(vocabulary)}));
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
  const TokenizerParts& parts = impl_->parts;
  std::vector<std::int32_t> ids;
  for (const Segment& raw : parts.added.split_raw(text)) {
    if (raw.id) {
      ids.push_back(*raw.id);
      continue;
    }
    const bool at_start = raw.text.data() == text.data();
    const std::string normalized = parts.normalizer.apply(std::string(raw.text));
    for (const Segment& segment : parts.added.split_normalized(normalized)) {
      if (segment.id) {
        ids.push_back(*segment.id);
      } else {
        impl_->encode_text(segment.text, at_start && segment.text.data() == normalized.data(), ids);
      }
    }
  }
  return ids;
}

std::vector<std::int32_t> Tokenizer::encode_framed(std::string_view text) const {
  std::vector<std::int32_t> ids = encode(text);
  const Frame& frame = impl_->parts.frame;
  if (frame.before) ids.insert(ids.begin(), *frame.before);
  ids.insert(ids.end(), frame.after.begin(), frame.after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, Specials specials) const {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> known;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    if (specials == Specials::left_out && is_special(id)) continue;
    const std::string* piece = impl_->piece(id);
    if (piece == nullptr) continue;
    tokens.push_back(*piece);
    known.push_back(id);
  }
  if (auto text = impl_->parts.model->decode(known)) return *std::move(text);
  return impl_->parts.decoder.decode(std::move(tokens));
}

std::int64_t Tokenizer::vocab_size() const {
  return std::max(impl_->parts.model->vocabulary().end_id(), impl_->parts.added.end_id());
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto added = impl_->parts.added.id_of(token);
  return added ? added : impl_->parts.model->vocabulary().id_of(token);
}

std::optional<std::string> Tokenizer::piece(std::int32_t id) const {
  const std::string* piece = impl_->piece(id);
  return piece == nullptr ? std::nullopt : std::optional(*piece);
}

bool Tokenizer::is_special(std::int32_t id) const {
  return impl_->parts.added.is_special(id);
}

std::optional<std::int32_t> Tokenizer::bos() const {
  return impl_->parts.frame.before;
}

std::span<const std::int32_t> Tokenizer::after() const {
  return impl_->parts.frame.after;
}

const std::vector<std::string>& Tokenizer::notes() const {
  return impl_->parts.notes;
}

}  // namespace toptheta
