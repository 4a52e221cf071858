#include "tokenizer/bpe.hpp"

#include <algorithm>
#include <mutex>
#include <queue>

#include "tokenizer/unicode.hpp"

namespace toptheta {

// Words that were encoded lately. Texts repeat their words, so most of them are found here.
class BpeModel::Cache {
 public:
  static constexpr std::size_t kLongestWord = 64;  // bytes; longer words hardly ever come again
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
  std::unordered_map<std::string, std::vector<std::int32_t>, TextHash, std::equal_to<>> words_;
};

// A link of the chain of symbols that a word consists of while it is being merged.
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

BpeModel::BpeModel() : cache_(std::make_unique<Cache>()) {}
BpeModel::BpeModel(BpeModel&&) noexcept = default;
BpeModel& BpeModel::operator=(BpeModel&&) noexcept = default;
BpeModel::~BpeModel() = default;

BpeModel BpeModel::parse(const JsonField& field) {
  // Files of old do not name the type of a BPE model.
  if (const auto type = field.find("type"); type && type->as_string() != "BPE") {
    type->fail("this model cannot be reproduced", "BPE");
  }
  BpeModel model;
  model.read_vocab(field.at("vocab"));
  model.read_merges(field.at("merges"));
  model.read_options(field);
  return model;
}

void BpeModel::read_options(const JsonField& field) {
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto text = field.find(affix); text && !text->as_string().empty()) {
      text->fail("cannot be reproduced", "null or an empty string");
    }
  }
  if (const auto dropout = field.find("dropout"); dropout && dropout->json() != 0) {
    dropout->fail("random merges cannot be reproduced", "null or 0");
  }
  if (const auto unknown = field.find("unk_token")) {
    unknown_ = id_of(unknown->as_string());
    if (!unknown_) unknown->fail("not in the vocabulary", "a token of model.vocab");
  }
  fuse_unknown_ = field.bool_or("fuse_unk", false);
  byte_fallback_ = field.bool_or("byte_fallback", false);
  ignore_merges_ = field.bool_or("ignore_merges", false);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    byte_tokens_[byte] = id_of(std::string{'<', '0', 'x', kHex[byte / 16], kHex[byte % 16], '>'});
  }
}

void BpeModel::read_vocab(const JsonField& field) {
  if (!field.json().is_object() || field.json().empty())
    field.fail("wrong value", "an object of tokens and their ids");
  tokens_.resize(field.json().size(), nullptr);
  vocab_.reserve(field.json().size());
  for (const auto& [token, value] : field.json().items()) {
    const bool in_range = value.is_number_integer() && value.get<std::uint64_t>() < tokens_.size();
    if (!in_range) {
      field.at(token).fail("wrong token id",
                           "an integer below the number of tokens, " + std::to_string(tokens_.size()),
                           "the ids of a vocabulary must leave no gap");
    }
    const auto id = value.get<std::int32_t>();
    const auto entry = vocab_.emplace(token, id).first;
    const std::string*& slot = tokens_[static_cast<std::size_t>(id)];
    if (slot != nullptr)
      field.at(token).fail("token id given twice", "one id per token", "token " + *slot + " has it too");
    slot = &entry->first;
  }
}

void BpeModel::read_merges(const JsonField& field) {
  const nlohmann::json& list = field.json();
  if (!list.is_array()) field.fail("wrong type", "an array");
  merges_.reserve(list.size());
  for (std::size_t rank = 0; rank < list.size(); ++rank) {
    const auto fail = [&](const char* what, const char* expected) {
      JsonField(field).elements()[rank].fail(what, expected);
    };
    std::string left;
    std::string right;
    if (list[rank].is_string()) {
      const auto& text = list[rank].get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
        fail("not a merge", "two tokens with one space between them");
      }
      left = text.substr(0, space);
      right = text.substr(space + 1);
    } else {
      const nlohmann::json& pair = list[rank];
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
        fail("not a merge", "two tokens");
      }
      left = pair[0].get<std::string>();
      right = pair[1].get<std::string>();
    }
    const auto a = id_of(left);
    const auto b = id_of(right);
    const auto joined = id_of(left + right);
    if (!a || !b || !joined)
      fail("merge of a token that is not in the vocabulary", "both parts and what they join to");
    const auto key = static_cast<std::uint64_t>(*a) << 32U | static_cast<std::uint32_t>(*b);
    merges_.insert_or_assign(key, Merge{static_cast<std::int32_t>(rank), *joined});
  }
}

std::optional<std::int32_t> BpeModel::id_of(std::string_view token) const {
  const auto found = vocab_.find(token);
  return found == vocab_.end() ? std::nullopt : std::optional(found->second);
}

const BpeModel::Merge* BpeModel::merge_of(std::int32_t left, std::int32_t right) const {
  const auto key = static_cast<std::uint64_t>(left) << 32U | static_cast<std::uint32_t>(right);
  const auto found = merges_.find(key);
  return found == merges_.end() ? nullptr : &found->second;
}

bool BpeModel::add_bytes(std::string_view character, std::vector<Symbol>& symbols) const {
  if (!byte_fallback_) return false;
  const auto token = [&](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)]; };
  if (!std::ranges::all_of(character, [&](char byte) { return token(byte).has_value(); })) return false;
  for (const char byte : character)
    symbols.push_back({*token(byte)});
  return true;
}

// An unknown character is held back until the next known one, so that a run of them can become one token;
// characters spelled in bytes do not end a run. That is Hugging Face's order, and it is kept.
std::vector<BpeModel::Symbol> BpeModel::symbols_of(std::string_view word) const {
  std::vector<Symbol> symbols;
  bool unknown_held = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, utf8_length(word[at]));
    at += character.size();
    if (const auto id = id_of(character)) {
      if (unknown_held) symbols.push_back({*unknown_});
      unknown_held = false;
      symbols.push_back({*id});
    } else if (!add_bytes(character, symbols) && unknown_) {
      if (unknown_held && !fuse_unknown_) symbols.push_back({*unknown_});
      unknown_held = true;
    }
  }
  if (unknown_held) symbols.push_back({*unknown_});
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
  if (ignore_merges_) {
    if (const auto id = id_of(word)) {
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
