package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Open loops, several loops, and loops that sleep. The numbers mean nothing. */
@Timeout(300)
class LoopsCommandsTest {

    @TempDir
    Path results;

    @Test
    void roundsWithACollectionHaveARowOfTheirOwn() throws Exception {
        Tables table = Tables.of("tail", results, "--quick", "--rounds", "2", "--full", "1000", "--shapes", "30,80",
                "--servers", "netty,netpark-callback-jna");
        for (String server : new String[] {"netty", "netpark-callback-jna"}) {
            assertEquals(2, table.rows(server) + table.count("- " + server + ": others had the core"), table::toString);
            String collected = server + ", a collection in each";
            assertEquals(2, table.rows(collected) + table.count("- " + collected + ": others had the core"), table::toString);
        }
        assertTrue(table.contain("## 30 %: 300 requests a second"), table::toString);
        assertFalse(table.contain("dropped out"), table::toString);
    }

    @Test
    void eachKindOfLookHasARowAndBeingWatchedARatio() throws Exception {
        Tables table = Tables.of("looking", results, "--quick",
                "--servers", "netpark-coroutine-jna,netpark-callback-jna,netpark-metered-jna,netpark-observed-jna");
        for (String server : new String[] {"netpark-coroutine-jna", "netpark-callback-jna"}) {
            for (String look : new String[] {"nothing", "connections()", "health()", "dump()"}) {
                assertEquals(1, table.rows(server + ", " + look), table::toString);
            }
        }
        for (String server : new String[] {"netpark-callback-jna", "netpark-metered-jna", "netpark-observed-jna"}) {
            assertEquals(1, table.rows(server), table::toString);
        }
        assertFalse(table.contain("dropped out"), table::toString);
    }

    @Test
    void everyServerIsThereWithOneLoopAndWithTwo() throws Exception {
        Tables table = Tables.of("scale", results, "--shapes", "100x1KiB");
        for (String server : new String[] {"netty", "netpark-coroutine-jna", "netpark-callback-jna"}) {
            assertEquals(1, table.rows(server + "-1"), table::toString);
            assertEquals(1, table.rows(server + "-2"), table::toString);
        }
        assertFalse(table.contain("dropped out"), table::toString);
    }
}
