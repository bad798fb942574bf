package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.proxy.ProxyContender;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The whole of it in small: whoever can take part is in both tables, and who cannot is named. The numbers mean nothing. */
@Timeout(300)
class ProxyCommandTest {

    @TempDir
    Path results;

    @Test
    void everyContenderIsInTheTables() throws Exception {
        List<String> text = run("--rounds", "1", "--seconds", "0.1", "--warm-up", "0.1");
        for (ProxyContender contender : ProxyContender.values()) {
            int rows = contender.absence().isEmpty() ? 2 : 0;
            assertEquals(rows, count(text, "| " + contender.label() + " |"), contender.label());
            assertEquals(rows == 0 ? 1 : 0, count(text, "- " + contender.label() + " is left out: "), contender.label());
        }
        assertFalse(text.stream().anyMatch(line -> line.contains("dropped out")), () -> String.join("\n", text));
    }

    @Test
    void whoIsAskedForIsAlone() throws Exception {
        List<String> text = run("--rounds", "1", "--seconds", "0.1", "--warm-up", "0.1", "--servers", "netty-copy");
        assertEquals(2, count(text, "| netty-copy |"));
        assertEquals(0, count(text, "| netty-splice |"));
        assertEquals(0, text.stream().filter(line -> line.startsWith("| netpark-")).count());
    }

    private List<String> run(String... options) throws Exception {
        String[] arguments = Arrays.copyOf(new String[] {"proxy", "--results", results.toString()}, 3 + options.length);
        System.arraycopy(options, 0, arguments, 3, options.length);
        assertEquals(0, new CommandLine(new Bench()).execute(arguments));
        assertTrue(Files.size(results.resolve("proxy.json")) > 0 && Files.size(results.resolve("proxy.svg")) > 0);
        return Files.readAllLines(results.resolve("proxy.md"));
    }

    private static long count(List<String> text, String start) {
        return text.stream().filter(line -> line.startsWith(start)).count();
    }
}
