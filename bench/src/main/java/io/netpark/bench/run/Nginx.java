package io.netpark.bench.run;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** nginx, where it is installed: one process, which is its worker too, with a greeting from its configuration. */
final class Nginx {

    private Nginx() {}

    /** The program; empty if there is none. */
    static Optional<Path> program() {
        String path = System.getenv("PATH");
        Stream<String> folders = Stream.of(((path == null ? "" : path) + ":/usr/sbin:/usr/local/sbin").split(":"));
        return folders.map(folder -> Path.of(folder, "nginx")).filter(Files::isExecutable).findFirst();
    }

    /**
     * A shell that starts it, says where it listens and which process it is, and ends it when its own input ends. nginx becomes a
     * daemon when it listens, and writes its number after that.
     */
    static List<String> command() {
        try {
            Path folder = Files.createTempDirectory(Folders.target(), "nginx");
            int port = freePort();
            Files.writeString(folder.resolve("nginx.conf"), configuration(port));
            String nginx = program().orElseThrow().toString();
            return List.of("sh", "-c", """
                    "$0" -e error.log -p "$1" -c nginx.conf || exit 1
                    while [ ! -s "$1/nginx.pid" ]; do sleep 0.02; done
                    pid=$(cat "$1/nginx.pid")
                    echo "%s$pid listening on 127.0.0.1:%d"
                    cat >/dev/null
                    kill "$pid"
                    while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
                    rm -rf "$1"
                    """.formatted(ServerProcess.PID, port), nginx, folder.toString());
        } catch (IOException e) {
            throw new BenchFailure("nginx cannot be prepared: " + e.getMessage());
        }
    }

    /** Nobody is told the port that nginx would choose itself. */
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static String configuration(int port) {
        return """
                master_process off;
                pid nginx.pid;
                error_log error.log;
                events {
                    worker_connections 20000;
                }
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
                        listen 127.0.0.1:%d backlog=65535;
                        location = /plaintext {
                            return 200 "Hello, World!";
                        }
                    }
                }
                """.formatted(port);
    }
}
