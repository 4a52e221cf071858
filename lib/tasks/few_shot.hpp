// Solved examples before a question.
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

// Reads the lines of another file of the same task, solved.
using ReadShots = std::function<std::vector<ParsedExample>(const std::filesystem::path&)>;

class FewShot {
 public:
  // `own`: the task's own examples, in file order, which must outlive this; solved where options.few_shot >
  // 0.
  FewShot(const std::vector<ParsedExample>& own, const std::filesystem::path& path, std::string separator,
          const TaskOptions& options, ReadShots read);

  // What comes between the description and example `index`: the solved examples. Throws UsageError where
  // there are too few, InputError where their file cannot be read.
  std::string before(std::size_t index);

  // The other files that examples came from.
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
