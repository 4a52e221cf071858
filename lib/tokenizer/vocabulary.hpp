// Tokens and their ids.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace toptheta {

class Vocabulary {
 public:
  // Ids from here on are refused, because a vector that is indexed by id must stay small whatever a file
  // says.
  static constexpr std::int64_t kEndOfIds = std::int64_t{1} << 24;

  // Adds a token. Returns false and changes nothing if the token or the id is there already. Requires
  // 0 <= id < kEndOfIds.
  bool add(std::string_view token, std::int32_t id);

  // The token's id; nullopt if there is no such token.
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // The token with this id; null if there is none.
  [[nodiscard]] const std::string* token(std::int64_t id) const;
  // How many tokens there are; ids may leave gaps.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }
  // One more than the largest id; 0 if there are no tokens.
  [[nodiscard]] std::int64_t end_id() const { return static_cast<std::int64_t>(tokens_.size()); }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>> ids_;
  std::vector<const std::string*> tokens_;  // by id; the strings are the keys of ids_
};

}  // namespace toptheta
