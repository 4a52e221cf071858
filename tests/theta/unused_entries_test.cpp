#include "theta/unused_entries.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("our own tables hold no thresholds that no row can use") {
  for (ThresholdTable table : {sample_table(), sample_table_with_rho(), sample_table_by_head()}) {
    const ThresholdTable before = table;
    CHECK(describe_unused(table, "t.h5").empty());
    take_out_unused(table);
    check_same(table, before);
  }
}

TEST_CASE("thresholds of dense heads are named and taken out") {
  ThresholdTable table = sample_table();
  const ThresholdTable before = table;
  table.targets[1].cells[1].push_back({70, 0.5, 0, 1});
  CHECK(describe_unused(table, "t.h5") ==
        std::vector<std::string>{"t.h5: 1 threshold of heads that stay dense is not used (the first: k = 4, "
                                 "layer 0, head 1, row length 70)"});
  table.targets[1].cells[1].push_back({71, 0.5, 0, 1});
  CHECK(describe_unused(table, "t.h5").front().find("t.h5: 2 thresholds of heads that stay dense are") == 0);
  ThresholdTable without = table;
  take_out_of_dense_heads(without);
  check_same(without, before);
  take_out_unused(table);
  check_same(table, before);
}

TEST_CASE("thresholds of rows of at most k keys are named and taken out") {
  ThresholdTable table = sample_table();
  const ThresholdTable before = table;
  auto& cell = table.targets[0].cells[3];  // layer 1, whose k is 8
  cell.insert(cell.begin(), {{7, 0.5, 0, 1}, {8, 0.5, 0, 1}});
  CHECK(describe_unused(table, "t.h5") ==
        std::vector<std::string>{"t.h5: 2 thresholds of rows of at most k keys, which keep everything, are "
                                 "not used (the first: k = 16, layer 1, head 1, row length 7)"});
  take_out_of_dense_heads(table);
  CHECK(table.targets[0].cells[3].size() == before.targets[0].cells[3].size() + 2);
  take_out_unused(table);
  check_same(table, before);
  ThresholdTable by_head = sample_table_by_head();
  by_head.targets[0].cells[1].insert(by_head.targets[0].cells[1].begin(), {4, 0.5, 0, 1});  // its k is 5
  CHECK(describe_unused(by_head, "t.h5").size() == 1);
  take_out_unused(by_head);
  check_same(by_head, sample_table_by_head());
}

TEST_CASE("layers and heads that stay dense for want of lines are named") {
  CHECK(describe_without_lines(sample_table(), "t.csv") ==
        "t.csv: no thresholds of layer 0: all their rows stay dense");
  CHECK(describe_without_lines(sample_table_by_head(), "t.csv") ==
        "t.csv: no thresholds of 1 head of layers with thresholds: all their rows stay dense");
  ThresholdTable table = sample_table_by_head();
  table.meta.shape.num_layers = 13;
  table.targets[0].layer_k.resize(13, kDenseK);
  table.targets[0].head_k.resize(26, kDenseK);
  table.targets[0].cells.resize(26);
  CHECK(
      describe_without_lines(table, "t.csv") ==
      "t.csv: no thresholds of layers 2, 3, 4, 5, 6, 7, 8, 9 and 3 more, and of 1 head of other layers with "
      "thresholds: all their rows stay dense");
  table = sample_table();
  for (Target& target : table.targets)
    target.layer_k[0] = 8;
  CHECK(describe_without_lines(table, "t.csv").empty());
}

TEST_CASE("thresholds that are no softmax weights are named where they should be") {
  ThresholdTable table = sample_table();
  table.meta.add_sigma = 0;
  CHECK(describe_no_weights(table, "t.h5").empty());  // scores before the softmax
  table.meta.placement = Placement::post_softmax;
  for (Target& target : table.targets)
    for (auto& cell : target.cells)
      for (ThresholdEntry& entry : cell)
        entry.theta = 1.0 / entry.length;
  CHECK(describe_no_weights(table, "t.h5").empty());
  table.targets[1].cells[4][1].theta = 1.5;
  CHECK(
      describe_no_weights(table, "t.h5") ==
      "t.h5: 1 threshold of a table whose placement is post-softmax is no softmax weight (the first: 1.5 of "
      "k = 4, layer 2, head 0, row length 24)");
  table.targets[1].cells[5][1].theta = -0.5;
  CHECK(describe_no_weights(table, "t.h5").find("t.h5: 2 thresholds of a table") == 0);
  table.meta.add_sigma = -1;
  CHECK(describe_no_weights(table, "t.h5").empty());
}
