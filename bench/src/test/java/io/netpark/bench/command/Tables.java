package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;

/** What a benchmark wrote, run as small as can be. The numbers mean nothing. */
final class Tables {

    private final List<String> lines;

    private Tables(List<String> lines) {
        this.lines = lines;
    }

    /** Runs one. */
    static Tables of(String benchmark, Path results, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(benchmark, "--results", results.toString(),
                "--seconds", "0.1", "--warm-up", "0.1"));
        arguments.addAll(List.of(options));
        if (!arguments.contains("--rounds")) {
            arguments.addAll(List.of("--rounds", "1"));
        }
        assertEquals(0, new CommandLine(new Bench()).execute(arguments.toArray(String[]::new)));
        assertTrue(Files.size(results.resolve(benchmark + ".json")) > 0 && Files.size(results.resolve(benchmark + ".svg")) > 0);
        return new Tables(Files.readAllLines(results.resolve(benchmark + ".md")));
    }

    /** In how many tables somebody has a row. */
    long rows(String label) {
        return count("| " + label + " |");
    }

    /** How many lines begin so. */
    long count(String start) {
        return lines.stream().filter(line -> line.startsWith(start)).count();
    }

    boolean contain(String text) {
        return lines.stream().anyMatch(line -> line.contains(text));
    }

    @Override
    public String toString() {
        return String.join("\n", lines);
    }
}
