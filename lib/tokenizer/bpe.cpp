#include "tokenizer/bpe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <queue>

#include "tokenizer/unicode.hpp"

namespace toptheta {

// A cache of encoded words. Texts repeat their words, so most of them are found here.
class BpeModel::Cache {
 public:
  static constexpr std::size_t kLongestWord = 64;  // bytes; longer words are rarely repeated
  static constexpr std::size_t kMostWords = 1U << 16U;

  bool find(std::string_view word, std::vector<std::int32_t>& ids) const {
    const std::lock_guard lock(mutex_);
    const auto found = words_.find(word);
    if (found == words_.end()) return false;
    ids.insert(ids.end(), found->second.begin(), found->second.end());
    return true;
  }

  void add(std::string_view word, std::vector<std::int32_t> ids) {
    const std::lock_guard lock(mutex_);
    if (words_.size() >= kMostWords) words_.clear();
    words_.emplace(word, std::move(ids));
  }

 private:
  mutable std::mutex mutex_;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::vector<std::int32_t>, TextHash, std::equal_to<>> words_;
};

// A link in the chain of symbols that make up a word while it is being merged.
struct BpeModel::Symbol {
  std::int32_t id = 0;
  std::int32_t previous = -1;
  std::int32_t next = -1;
  bool merged_away = false;
};

// A pair that may be merged: the symbol at `at` with its right neighbour. Lowest rank first, then leftmost.
struct BpeModel::Candidate {
  std::int32_t rank;
  std::int32_t at;
  std::int32_t id;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

std::string byte_token(unsigned char byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  return {'<', '0', 'x', kHex[byte / 16], kHex[byte % 16], '>'};
}

BpeModel::BpeModel(Vocabulary vocabulary, const BpeOptions& options)
    : vocabulary_(std::move(vocabulary)), options_(options), cache_(std::make_unique<Cache>()) {
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte)
    byte_tokens_[byte] = vocabulary_.id_of(byte_token(static_cast<unsigned char>(byte)));
}
BpeModel::~BpeModel() = default;

namespace {

Vocabulary read_vocabulary(const JsonValue& field) {
  if (!field.is_object() || field.size() == 0) field.fail("wrong value", "an object of tokens and their ids");
  Vocabulary vocabulary;
  for (const auto& [token, value] : field.raw().items()) {
    if (!value.is_number_integer() || value.get<std::uint64_t>() >= Vocabulary::kEndOfIds)
      field.at(token).fail("wrong token id", fmt::format("an integer below {}", Vocabulary::kEndOfIds));
    if (!vocabulary.add(token, value.get<std::int32_t>()))
      field.at(token).fail("the token id appears twice", "one id per token",
                           "token " + *vocabulary.token(value.get<std::int32_t>()) + " has it too");
  }
  return vocabulary;
}

BpeOptions read_options(const JsonValue& field, const Vocabulary& vocabulary) {
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto text = field.find(affix); text && !text->text().empty())
      text->fail("cannot be reproduced", "null or an empty string");
  }
  if (const auto dropout = field.find("dropout"); dropout && dropout->number() != 0)
    dropout->fail("random merges cannot be reproduced", "null or 0");
  BpeOptions options;
  if (const auto unknown = field.find("unk_token")) {
    options.unknown = vocabulary.id_of(unknown->text());
    if (!options.unknown) unknown->fail("not in the vocabulary", "a token of model.vocab");
  }
  options.fuse_unknown = field.flag_or("fuse_unk", false);
  options.byte_fallback = field.flag_or("byte_fallback", false);
  options.ignore_merges = field.flag_or("ignore_merges", false);
  return options;
}

}  // namespace

std::unique_ptr<BpeModel> BpeModel::parse(const JsonValue& field) {
  Vocabulary vocabulary = read_vocabulary(field.at("vocab"));
  const BpeOptions options = read_options(field, vocabulary);
  auto model = std::make_unique<BpeModel>(std::move(vocabulary), options);
  model->read_merges(field.at("merges"));
  return model;
}

void BpeModel::read_merges(const JsonValue& field) {
  if (!field.is_list()) field.fail("wrong type", "a list");
  const nlohmann::json& list = field.raw();
  merges_.reserve(list.size());
  for (std::size_t rank = 0; rank < list.size(); ++rank) {
    const auto fail = [&](const char* what, const char* expected) {
      field.elements()[rank].fail(what, expected);
    };
    std::string_view left;
    std::string_view right;
    if (list[rank].is_string()) {
      const std::string_view text = list[rank].get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
        fail("not a merge", "two tokens with one space between them");
      left = text.substr(0, space);
      right = text.substr(space + 1);
    } else {
      const nlohmann::json& pair = list[rank];
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        fail("not a merge", "two tokens");
      left = pair[0].get_ref<const std::string&>();
      right = pair[1].get_ref<const std::string&>();
    }
    if (!add_merge(left, right, static_cast<std::int32_t>(rank)))
      fail("merge of a token that is not in the vocabulary", "both parts and what they join to");
  }
}

bool BpeModel::add_merge(std::string_view left, std::string_view right, std::int32_t rank) {
  const auto a = vocabulary_.id_of(left);
  const auto b = vocabulary_.id_of(right);
  const auto joined = vocabulary_.id_of(std::string(left).append(right));
  if (!a || !b || !joined) return false;
  const auto key = static_cast<std::uint64_t>(*a) << 32U | static_cast<std::uint32_t>(*b);
  merges_.insert_or_assign(key, Merge{rank, *joined});
  return true;
}

const BpeModel::Merge* BpeModel::merge_of(std::int32_t left, std::int32_t right) const {
  const auto key = static_cast<std::uint64_t>(left) << 32U | static_cast<std::uint32_t>(right);
  const auto found = merges_.find(key);
  return found == merges_.end() ? nullptr : &found->second;
}

bool BpeModel::add_bytes(std::string_view character, std::vector<Symbol>& symbols) const {
  if (!options_.byte_fallback) return false;
  const auto token = [&](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)]; };
  if (!std::ranges::all_of(character, [&](char byte) { return token(byte).has_value(); })) return false;
  for (const char byte : character)
    symbols.push_back({*token(byte)});
  return true;
}

// An unknown character is held back until the next known one, so that a run of unknown characters can become
// one token. Characters spelled in bytes do not end a run. This reproduces the order of Hugging Face's
// tokenizers.
std::vector<BpeModel::Symbol> BpeModel::symbols_of(std::string_view word) const {
  std::vector<Symbol> symbols;
  bool unknown_held = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, utf8_length(word[at]));
    at += character.size();
    if (const auto id = vocabulary_.id_of(character)) {
      if (unknown_held) symbols.push_back({*options_.unknown});
      unknown_held = false;
      symbols.push_back({*id});
    } else if (!add_bytes(character, symbols) && options_.unknown) {
      if (unknown_held && !options_.fuse_unknown) symbols.push_back({*options_.unknown});
      unknown_held = true;
    }
  }
  if (unknown_held) symbols.push_back({*options_.unknown});
  const auto count = static_cast<std::int32_t>(symbols.size());
  for (std::int32_t i = 0; i < count; ++i) {
    symbols[static_cast<std::size_t>(i)].previous = i - 1;
    symbols[static_cast<std::size_t>(i)].next = i + 1 < count ? i + 1 : -1;
  }
  return symbols;
}

void BpeModel::merge_all(std::vector<Symbol>& symbols) const {
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto symbol = [&](std::int32_t at) -> Symbol& { return symbols[static_cast<std::size_t>(at)]; };
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || symbol(left).next < 0) return;
    const Merge* merge = merge_of(symbol(left).id, symbol(symbol(left).next).id);
    if (merge != nullptr) queue.push({merge->rank, left, merge->id});
  };
  for (std::int32_t i = 0; i + 1 < static_cast<std::int32_t>(symbols.size()); ++i)
    consider(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = symbol(top.at);
    if (left.merged_away || left.next < 0) continue;
    Symbol& right = symbol(left.next);
    const Merge* merge = merge_of(left.id, right.id);
    if (merge == nullptr || merge->id != top.id) continue;  // one of the two has been merged since
    left.id = top.id;
    left.next = right.next;
    right.merged_away = true;
    if (right.next >= 0) symbol(right.next).previous = top.at;
    consider(left.previous);
    consider(top.at);
  }
}

void BpeModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (word.empty()) return;
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.id_of(word)) {
      ids.push_back(*id);
      return;
    }
  }
  const bool cached = word.size() <= Cache::kLongestWord;
  if (cached && cache_->find(word, ids)) return;
  std::vector<Symbol> symbols = symbols_of(word);
  merge_all(symbols);
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  for (const Symbol& symbol : symbols) {
    if (!symbol.merged_away) ids.push_back(symbol.id);
  }
  if (cached) cache_->add(word, {ids.begin() + first, ids.end()});
}

}  // namespace toptheta
