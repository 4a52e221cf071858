#include "tasks/few_shot.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/random.hpp"

namespace toptheta {

FewShot::FewShot(const std::vector<ParsedExample>& own, const std::filesystem::path& path,
                 std::string separator, const TaskOptions& options, ReadShots read)
    : own_(own), path_(path), separator_(std::move(separator)), options_(options), read_(std::move(read)) {}

const std::vector<ParsedExample>& FewShot::pool_of(const ParsedExample& example, bool& own) {
  std::filesystem::path file = options_.few_shot_file;
  if (file.empty() && !example.shots_from.empty()) {
    file = path_.parent_path() / example.shots_from;
    if (!std::filesystem::exists(file))
      throw InputError({.where = file.string(),
                        .what = "the file of solved examples that the task asks for is missing",
                        .next = "put it next to the data, or name another one with --few-shot-file FILE"});
  }
  own = file.empty();
  if (own) return own_;
  auto found = files_.find(file.string());
  if (found == files_.end()) found = files_.emplace(file.string(), read_(file)).first;
  return found->second;
}

// The indices of the examples to show: the first candidates, or the beginning of a shuffle of all candidates.
std::vector<std::size_t> FewShot::choose(const std::vector<std::size_t>& candidates, std::size_t index,
                                         const std::string& from) const {
  const auto wanted = static_cast<std::size_t>(options_.few_shot);
  if (wanted > candidates.size())
    throw UsageError({.where = "--few-shot",
                      .what = "too few examples to show",
                      .expected = fmt::format("at most {}, which is what {} has for example {}",
                                              candidates.size(), from, index + 1),
                      .found = std::to_string(options_.few_shot)});
  std::vector<std::size_t> shots = candidates;
  if (options_.few_shot_seed) {
    Random random(*options_.few_shot_seed, index);
    for (std::size_t i = 0; i < wanted; ++i)
      std::swap(shots[i], shots[i + random.below(shots.size() - i)]);
  }
  shots.resize(wanted);
  return shots;
}

std::string FewShot::before(std::size_t index) {
  const ParsedExample& example = own_[index];
  if (options_.few_shot == 0) return {};
  bool own = false;
  const std::vector<ParsedExample>& pool = pool_of(example, own);
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < pool.size(); ++i)
    if (!(own && i == index) && pool[i].same == example.same) candidates.push_back(i);
  std::string text;
  for (const std::size_t shot :
       choose(candidates, index, own ? path_.string() : "the file of solved examples"))
    text += pool[shot].solved + separator_;
  return text;
}

std::vector<std::filesystem::path> FewShot::files() const {
  std::vector<std::filesystem::path> paths;
  paths.reserve(files_.size());
  for (const auto& [path, examples] : files_)
    paths.emplace_back(path);
  return paths;
}

}  // namespace toptheta
