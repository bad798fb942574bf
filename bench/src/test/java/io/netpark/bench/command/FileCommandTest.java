package io.netpark.bench.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.bench.run.Contender;
import io.netpark.bench.run.FileContender;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole of it in small: whoever can take part is in the table in all its ways, and who cannot is named. */
@Timeout(300)
class FileCommandTest {

    @TempDir
    Path results;

    @Test
    void everyWayOfEverySenderIsInTheTable() throws Exception {
        Tables table = Tables.of("file", results, "--no-system-calls");
        for (Contender server : Contender.ofFiles()) {
            boolean present = server.absence().isEmpty();
            assertEquals(present ? 0 : 1, table.count("- " + server.label() + " is left out: "), server.label());
            for (FileContender sender : FileContender.of(server)) {
                assertEquals(present ? 1 : 0, table.rows(sender.label()), sender.label());
            }
        }
        assertFalse(table.contain("dropped out"), table::toString);
    }

    @Test
    void nginxSendsAndCopies() throws Exception {
        assumeTrue(Contender.NGINX.absence().isEmpty(), () -> "nginx: " + Contender.NGINX.absence().orElseThrow());
        Tables table = Tables.of("file", results, "--servers", "nginx", "--no-system-calls");
        assertEquals(1, table.rows("nginx-sendfile"));
        assertEquals(1, table.rows("nginx-copied"));
        assertEquals(2, table.count("| nginx"));
    }

    @Test
    void aWayThatIsAskedForIsAlone() throws Exception {
        Tables table = Tables.of("file", results, "--servers", "netty", "--shapes", "heap", "--no-system-calls");
        assertEquals(1, table.rows("netty-heap"));
        assertEquals(1, table.count("| netty"));
    }
}
