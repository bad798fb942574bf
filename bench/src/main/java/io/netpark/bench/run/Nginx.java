package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.HeldPorts;
import io.netpark.bench.server.Block;
import io.netpark.bench.server.Service;
import io.netpark.bench.tls.SelfSigned;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * nginx, where it is installed: one process, which is its worker too. What it says over HTTP is a greeting in its
 * configuration, or a file.
 */
public final class Nginx {

    /** How the line begins of a process that starts the server and is not the server. */
    private static final String PID = "pid ";

    private static final String MAIN = """
            master_process off;
            pid nginx.pid;
            error_log error.log;
            events {
                worker_connections 20000;
            }
            """;

    private static final String GREETING = "location = /plaintext { return 200 \"Hello, World!\"; }";

    private Nginx() {}

    /** The program; empty if there is none. */
    public static Optional<Path> program() {
        String path = System.getenv("PATH");
        Stream<String> folders = Stream.of(((path == null ? "" : path) + ":/usr/sbin:/usr/local/sbin").split(":"));
        return folders.map(folder -> Path.of(folder, "nginx")).filter(Files::isExecutable).findFirst();
    }

    /** As a server of HTTP: of a greeting, or of a file that it sends by sendfile(2) or copies. */
    static List<String> command(Service service) {
        return switch (service.mode()) {
            case HTTP -> command("", port -> http(port, GREETING));
            case FILE -> files(service, "sendfile on;");
            // By default it reads 32 KiB at a time, the others 64.
            case FILE_COPY -> files(service, "sendfile off; output_buffers 1 64k;");
            default -> throw new IllegalArgumentException("nginx has no service " + service.mode());
        };
    }

    /** As a server of HTTP and of a greeting, encrypted. */
    static List<String> tlsCommand(SelfSigned identity) {
        return command("", port -> http(port + " ssl", """
                ssl_certificate cert.pem;
                        ssl_certificate_key key.pem;
                        ssl_protocols TLSv1.2 TLSv1.3;
                        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
                        ssl_session_cache shared:tls:16m;
                        %s""".formatted(GREETING)), identity::writePem);
    }

    private static List<String> files(Service service, String how) {
        byte[] file = Block.bytes(service.block());
        return command("", port -> http(port, "location = /file { %s }".formatted(how)),
                folder -> Files.write(Files.createDirectory(folder.resolve("html")).resolve("file"), file));
    }

    /**
     * A shell that starts it, says where it listens and which process it is, and ends it when its own input ends, and not by SIGTERM
     * before. nginx becomes a daemon when it listens, and writes its number after that.
     *
     * @param first lines of the configuration, such as load modules
     * @param last the lines that say what it does, given the port
     */
    public static List<String> command(String first, IntFunction<String> last) {
        return command(first, last, folder -> {});
    }

    /** Puts what is served into the server's folder. */
    private interface Filling {
        void fill(Path folder) throws IOException;
    }

    private static List<String> command(String first, IntFunction<String> last, Filling filling) {
        try {
            Path folder = Files.createTempDirectory(Folders.target(), "nginx");
            filling.fill(folder);
            int port = HeldPorts.hold(); // nobody is told the port that nginx would choose itself
            Files.writeString(folder.resolve("nginx.conf"), first + MAIN + last.apply(port));
            String nginx = program().orElseThrow().toString();
            return List.of("sh", "-c", """
                    "$0" -e error.log -p "$1" -c nginx.conf || exit 1
                    while [ ! -s "$1/nginx.pid" ]; do sleep 0.02; done
                    pid=$(cat "$1/nginx.pid")
                    echo "%s$pid listening on 127.0.0.1:%d"
                    trap '' TERM
                    cat >/dev/null
                    kill "$pid"
                    while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
                    rm -rf "$1"
                    """.formatted(PID, port), nginx, folder.toString());
        } catch (IOException e) {
            throw new BenchFailure("nginx cannot be prepared: " + e.getMessage());
        }
    }

    /** Which process is the server, if the line that says where it listens is of such a shell. */
    public static OptionalLong pid(String line) {
        return line.startsWith(PID) ? OptionalLong.of(Long.parseLong(line.split(" ")[1])) : OptionalLong.empty();
    }

    private static String http(int port, String location) {
        return http(Integer.toString(port), location);
    }

    private static String http(String listen, String location) {
        return """
                http {
                    access_log off;
                    keepalive_requests 1000000000;
                    keepalive_timeout 600s;
                    default_type text/plain;
                    client_body_temp_path body;
                    proxy_temp_path proxy;
                    fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi;
                    scgi_temp_path scgi;
                    server {
                        listen 127.0.0.1:%s backlog=65535;
                        %s
                    }
                }
                """.formatted(listen, location);
    }
}
