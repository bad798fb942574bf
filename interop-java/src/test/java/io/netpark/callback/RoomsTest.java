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
    private static final int MOST_FILES = 25;
    /** Users' interface, in io.netpark.callback itself. */
    private static final String USERS = "";

    private static final Map<String, Set<String>> USES = Map.ofEntries(
            Map.entry("accepting", Set.of()),
            Map.entry("futures", Set.of()),
            Map.entry("socket", Set.of()),
            Map.entry("poller", Set.of()),
            Map.entry("messages", Set.of("accepting", "futures", "socket")),
            Map.entry("state", Set.of("futures")),
            Map.entry("output", Set.of("state", "futures")),
            Map.entry("delivery", Set.of("state", "futures")),
            Map.entry("input", Set.of("output", "delivery", "state", "futures")),
            Map.entry("lifecycle", Set.of("input", "output", "delivery", "state", "futures")),
            Map.entry("pool", Set.of("lifecycle", "futures")),
            Map.entry("simulation", Set.of(USERS)),
            Map.entry(USERS, Set.of("pool", "lifecycle", "input", "output", "delivery", "state", "futures", "socket", "accepting")));

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

    @Test
    void noRoomIsAHall() throws IOException {
        for (Map.Entry<String, List<Path>> room : rooms().entrySet()) {
            int files = room.getValue().size();
            assertTrue(files <= MOST_FILES, () -> files + " files in io.netpark.callback." + room.getKey());
        }
    }
}
