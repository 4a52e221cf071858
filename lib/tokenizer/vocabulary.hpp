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
  // Ids from here on are refused: a vector by id must stay small whatever a file says.
  static constexpr std::int64_t kEndOfIds = std::int64_t{1} << 24;

  // Where a token or an id is there already, nothing changes and the answer is false. Requires
  // 0 <= id < kEndOfIds.
  bool add(std::string_view token, std::int32_t id);

  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // The token, or null where no token has this id.
  [[nodiscard]] const std::string* token(std::int64_t id) const;
  // How many tokens there are; ids may leave gaps.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }
  // One more than the largest id, 0 where there are none.
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
