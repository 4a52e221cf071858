#include "core/provenance.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace toptheta {

std::string shell_word(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./,:=+*@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

namespace {

// Whether an argument does not affect the result. `takes_value` is set where the next argument is its value.
bool has_no_say(const std::string& argument, bool& takes_value) {
  takes_value = false;
  for (const std::string_view flag : {"-q", "--quiet", "--resume", "--dry-run"})
    if (argument == flag) return true;
  for (const std::string flag : {"--threads", "--output", "--json", "--progress", "--shard", "--sdc-from",
                                 "--checkpoint", "--checkpoint-every", "--max-memory", "--fail-if"}) {
    if (argument.starts_with(flag + "=")) return true;
    if (argument == flag) return takes_value = true;
  }
  takes_value = argument == "-o";
  return takes_value;
}

}  // namespace

Provenance make_provenance(const std::vector<std::string>& arguments, std::uint64_t seed) {
  Provenance provenance{version(), commit(), {}, seed, {}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    bool takes_value = false;
    if (i > 0 && has_no_say(arguments[i], takes_value)) {
      i += takes_value ? 1 : 0;
      continue;
    }
    const std::string word = i == 0 ? std::filesystem::path(arguments[0]).filename().string() : arguments[i];
    provenance.command += (i == 0 ? "" : " ") + shell_word(word);
  }
  return provenance;
}

}  // namespace toptheta
