package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.command.Bench;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What bench/run says of itself without a build. */
class RunScriptTest {

    @Test
    void namesEveryBenchmark() throws IOException, InterruptedException {
        Set<String> named = new TreeSet<>();
        List<String> lines = run("--help");
        for (String line : lines.subList(1, lines.size())) {
            named.add(line.strip().split(" ")[0]);
        }
        assertEquals(new TreeSet<>(Bench.names()), named);
    }

    @Test
    void knowsItsVersion() throws IOException, InterruptedException {
        assertTrue(run("--version").get(0).matches("Netpark \\d+\\.\\d+\\.\\d+\\S*"));
    }

    private static List<String> run(String argument) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("./run", argument).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), text);
        return text.lines().toList();
    }
}
