#include "tokenizer/vocabulary.hpp"

#include <cassert>

namespace toptheta {

bool Vocabulary::add(std::string_view token, std::int32_t id) {
  assert(id >= 0 && id < kEndOfIds);
  if (this->token(id) != nullptr) return false;
  const auto [entry, is_new] = ids_.emplace(token, id);
  if (!is_new) return false;
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  tokens_[index] = &entry->first;
  return true;
}

std::optional<std::int32_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string* Vocabulary::token(std::int64_t id) const {
  return id < 0 || id >= end_id() ? nullptr : tokens_[static_cast<std::size_t>(id)];
}

}  // namespace toptheta
