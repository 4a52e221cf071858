// A directory with everything the programs read: a tiny random model with its tokenizer, texts, tasks, dumps.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

namespace toptheta::testing {

// Made anew for each use; small enough for that (two layers, four heads, a few hundred tokens).
class World {
 public:
  // model/, other-model/ (another number of layers), a.txt, b.txt, quiz.jsonl, dump.h5 (scores, pre-softmax).
  World();

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return dir_.path(name); }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  [[nodiscard]] std::string content(const std::string& name) const { return content_of(path(name)); }
  void write(const std::string& name, const std::string& text) const;
  // A copy of model/ to spoil.
  void copy_model(const std::string& name) const;

  // `command` is "tt-calibrate fit -k 4 ..."; words are parted by single blanks.
  [[nodiscard]] Outcome run(const std::string& command, const std::filesystem::path& out_path = {}) const;
  // The same, under way.
  [[nodiscard]] std::unique_ptr<RunningProgram> start(const std::string& command) const;
  // The same, of a command that must succeed; returns its standard output.
  [[nodiscard]] std::string output(const std::string& command) const;

 private:
  TempDir dir_;
};

}  // namespace toptheta::testing
