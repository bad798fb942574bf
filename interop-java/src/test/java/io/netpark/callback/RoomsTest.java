package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What each room of the callback API may use: only rooms that stand before it here. */
class RoomsTest {

    private static final Path TOP = Path.of("src/main/java/io/netpark/callback");
    /** Users' interface, in io.netpark.callback itself. */
    private static final String USERS = "";

    private static final Map<String, Set<String>> USES = Map.of(
            "futures", Set.of(),
            "socket", Set.of(),
            "poller", Set.of(),
            "messages", Set.of("futures", "socket"),
            "state", Set.of("futures"),
            "output", Set.of("state", "futures"),
            "delivery", Set.of("state", "futures"),
            "input", Set.of("output", "delivery", "state", "futures"),
            "lifecycle", Set.of("input", "output", "delivery", "state", "futures"),
            USERS, Set.of("lifecycle", "input", "output", "delivery", "state", "futures", "socket"));

    private static final Pattern OF_A_ROOM = Pattern.compile("io\\.netpark\\.callback\\.(?:([a-z]+)\\.)?[A-Z]");

    private static Map<String, List<Path>> rooms() throws IOException {
        Map<String, List<Path>> rooms = new TreeMap<>();
        try (Stream<Path> files = Files.walk(TOP)) {
            files.filter(file -> file.toString().endsWith(".java"))
                    .forEach(file -> rooms.computeIfAbsent(TOP.relativize(file.getParent()).toString(), any -> new ArrayList<>()).add(file));
        }
        return rooms;
    }

    @Test
    void arrowsPointDown() throws IOException {
        Set<String> wrong = new TreeSet<>();
        for (Map.Entry<String, List<Path>> room : rooms().entrySet()) {
            Set<String> allowed = USES.get(room.getKey());
            assertTrue(allowed != null, () -> "nothing is said of the room " + room.getKey());
            for (Path file : room.getValue()) {
                String code = Files.readString(file).replaceAll("(?s)/\\*.*?\\*/", "");
                for (Matcher found = OF_A_ROOM.matcher(code); found.find(); ) {
                    String used = found.group(1) == null ? USERS : found.group(1);
                    if (!used.equals(room.getKey()) && !allowed.contains(used)) {
                        wrong.add(file.getFileName() + " uses " + (used.equals(USERS) ? "users' interface" : used));
                    }
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }
}
