package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class HelpTest {

    static Iterable<String> names() {
        return Bench.names();
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyBenchmarkExplainsItself(String name) {
        StringWriter printed = new StringWriter();
        CommandLine commands = new CommandLine(new Bench()).setOut(new PrintWriter(printed)).setErr(new PrintWriter(printed));
        assertEquals(0, commands.execute(name, "--help"));
        assertTrue(printed.toString().contains("Usage: bench/run " + name), printed.toString());
    }
}
