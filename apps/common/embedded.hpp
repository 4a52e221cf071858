// The model and data that ship with the program, which are used if no --model is given.
#pragma once
#include <filesystem>
#include <vector>

namespace toptheta::app {

struct EmbeddedData {
  std::filesystem::path root;
  [[nodiscard]] std::filesystem::path model() const { return root / "model"; }
  // Regular files of a data set with this extension (".txt"), in name order. Throws InputError if there are
  // none.
  [[nodiscard]] std::vector<std::filesystem::path> files(const std::string& directory,
                                                         const std::string& extension) const;
};

// Looks in $TOPTHETA_DATA, then in the place where the program is installed, then in the source tree it was
// built from. Throws UsageError, listing these places, if none holds a model.
EmbeddedData find_embedded_data();

// The directory of the task files that ship with the program (tasks/*.toml), searched in the same places.
// Throws UsageError if there is none.
std::filesystem::path find_task_files();

}  // namespace toptheta::app
