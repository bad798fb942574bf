package io.netpark.bench.proxy;

import io.netpark.bench.run.Nginx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** nginx as a TCP proxy: its stream module, which is part of the program, or a file beside it, or missing. */
final class NginxStream {

    private static final String FILE = "ngx_stream_module.so";
    private static final Pattern MODULES = Pattern.compile("--modules-path=(\\S+)");
    private static final Pattern STREAM = Pattern.compile("--with-stream(=dynamic)?(\\s|$)");

    private NginxStream() {}

    /** Why it cannot take part here; empty if it can. */
    static Optional<String> absence() {
        Optional<Path> nginx = Nginx.program();
        if (nginx.isEmpty()) {
            return Optional.of("it is not installed");
        }
        return directive(nginx.get()).isPresent()
                ? Optional.empty() : Optional.of("its stream module is not installed (Debian: libnginx-mod-stream)");
    }

    /** A shell that starts it and says where it listens, as {@link Nginx#command}. */
    static List<String> command(int upstreamPort) {
        String directive = directive(Nginx.program().orElseThrow()).orElseThrow();
        return Nginx.command(directive, port -> """
                stream {
                    access_log off;
                    server {
                        listen 127.0.0.1:%d backlog=65535;
                        proxy_pass 127.0.0.1:%d;
                        proxy_buffer_size 64k;
                        proxy_timeout 600s;
                    }
                }
                """.formatted(port, upstreamPort));
    }

    /** What loads the module; empty text if the program has it, nothing if there is none. */
    private static Optional<String> directive(Path nginx) {
        String built = version(nginx);
        Matcher stream = STREAM.matcher(built);
        if (!stream.find()) {
            return Optional.empty();
        }
        if (stream.group(1) == null) {
            return Optional.of("");
        }
        Matcher modules = MODULES.matcher(built);
        return modules.find() && Files.isReadable(Path.of(modules.group(1), FILE))
                ? Optional.of("load_module " + Path.of(modules.group(1), FILE) + ";\n") : Optional.empty();
    }

    /** How it was built, as {@code nginx -V} says on its standard error; empty if it cannot be asked. */
    private static String version(Path nginx) {
        try {
            Process process = new ProcessBuilder(nginx.toString(), "-V").redirectErrorStream(true).start();
            process.getOutputStream().close();
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}
