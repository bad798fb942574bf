package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The numbers of the README are those of the results beside it. */
class ReadmeTest {

    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final List<String> SHAPES = List.of("100x1KiB", "1000x1KiB", "10000x128B", "100x64KiB");
    private static final Map<String, String> SERVERS = servers();

    private static Map<String, String> servers() {
        Map<String, String> servers = new LinkedHashMap<>();
        servers.put("Netty 4.2 epoll", "netty");
        servers.put("JDK NIO", "nio");
        servers.put("virtual threads", "vt");
        servers.put("ktor-network", "ktor");
        servers.put("**Netpark, coroutines**", "netpark-coroutine-ffm");
        servers.put("**Netpark, callbacks**", "netpark-callback-ffm");
        servers.put("Netpark, coroutines, JNA", "netpark-coroutine-jna");
        servers.put("Netpark, callbacks, JNA", "netpark-callback-jna");
        return servers;
    }

    @Test
    void itsTableIsThatOfTheCommittedEchoResults() throws IOException {
        Map<String, List<String>> measured = measured(Files.readAllLines(ROOT.resolve("bench/results/echo.md")));
        Map<String, List<String>> claimed = new LinkedHashMap<>();
        for (String line : Files.readAllLines(ROOT.resolve("README.md"))) {
            List<String> cells = cells(line);
            if (cells.size() == SHAPES.size() + 1 && SERVERS.containsKey(cells.get(0))) {
                claimed.put(SERVERS.get(cells.get(0)), cells.subList(1, cells.size()));
            }
        }
        assertEquals(measured, claimed);
    }

    /** The median ratios to the floor, shape by shape. */
    private static Map<String, List<String>> measured(List<String> results) {
        Map<String, List<String>> ratios = new LinkedHashMap<>();
        String shape = "";
        for (String line : results) {
            if (line.startsWith("## ")) {
                shape = line.substring(3);
            }
            List<String> cells = cells(line);
            if (SHAPES.contains(shape) && cells.size() > 2 && SERVERS.containsValue(cells.get(0))) {
                ratios.computeIfAbsent(cells.get(0), server -> new ArrayList<>()).add(cells.get(2).split(" ")[0]);
            }
        }
        return ratios;
    }

    private static List<String> cells(String line) {
        if (!line.startsWith("|")) {
            return List.of();
        }
        return List.of(line.substring(1).split("\\|")).stream().map(String::strip).toList();
    }
}
