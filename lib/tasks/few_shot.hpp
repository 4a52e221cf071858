// Chooses the solved examples that precede a question.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tasks/example.hpp"
#include "tasks/task.hpp"

namespace toptheta {

// Reads another file of the same task, with the solved text of each example.
using ReadShots = std::function<std::vector<ParsedExample>(const std::filesystem::path&)>;

class FewShot {
 public:
  // `own` holds the task's own examples in file order, with their solved texts if options.few_shot > 0. It
  // must outlive this object. `path` is their file; `separator` comes after each solved example.
  FewShot(const std::vector<ParsedExample>& own, const std::filesystem::path& path, std::string separator,
          const TaskOptions& options, ReadShots read);

  // The solved examples that come between the description and example `index`. Throws UsageError if there are
  // too few, InputError if their file cannot be read.
  std::string before(std::size_t index);

  // The other files from which examples were taken so far.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

 private:
  const std::vector<ParsedExample>& pool_of(const ParsedExample& example, bool& own);
  std::vector<std::size_t> choose(const std::vector<std::size_t>& candidates, std::size_t index,
                                  const std::string& from) const;

  const std::vector<ParsedExample>& own_;
  std::filesystem::path path_;
  std::string separator_;
  TaskOptions options_;
  ReadShots read_;
  std::map<std::string, std::vector<ParsedExample>> files_;
};

}  // namespace toptheta
