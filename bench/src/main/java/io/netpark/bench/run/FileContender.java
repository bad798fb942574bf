package io.netpark.bench.run;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Shape.Download;
import io.netpark.bench.server.Service.Mode;
import io.netpark.core.sys.Binding;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A server of files, and one of its ways to send them. */
public record FileContender(Contender server, Way way) implements Entrant {

    /** How the bytes of a file get into a socket. */
    public enum Way {
        /** The kernel sends them: they are never in the process. */
        SENDFILE("sendfile", Mode.FILE),
        /** By the library's own copying: through memory outside the heap, 64 KiB at a time. */
        COPIED("copied", Mode.FILE_COPY),
        /** The plain way of a Java program: read into a buffer on the heap, 64 KiB at a time, and written. */
        HEAP("heap", Mode.FILE_HEAP);

        private final String label;
        private final Mode mode;

        Way(String label, Mode mode) {
            this.label = label;
            this.mode = mode;
        }

        /** Its name in options and tables. */
        public String label() {
            return label;
        }
    }

    /** Every way of a server. */
    public static List<FileContender> of(Contender server) {
        return Arrays.stream(Way.values()).filter(way -> way != Way.HEAP || server.isJvm())
                .map(way -> new FileContender(server, way)).toList();
    }

    /** Starts its process. */
    public ServerProcess start(Download download, Cores cores) {
        return ServerProcess.start(this, server.command(download.service(way.mode), List.of()), cores, "file-" + label());
    }

    @Override
    public String label() {
        return server.label(way.label);
    }

    @Override
    public Optional<String> absence() {
        return server.absence();
    }

    @Override
    public boolean isJvm() {
        return server.isJvm();
    }

    @Override
    public @Nullable Binding binding() {
        return server.binding();
    }
}
