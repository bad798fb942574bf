package io.netpark.bench.report;

import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where and with what a result was measured; a number without it says nothing. */
public final class Machine {

    private Machine() {}

    /** Which processor, how many cores, and whether there are others on it. */
    public static String processor() {
        return field("/proc/cpuinfo", "model name") + ", " + Runtime.getRuntime().availableProcessors() + " cores"
                + (field("/proc/cpuinfo", "flags").contains(" hypervisor ") ? ", virtual machine" : "");
    }

    static Map<String, Object> facts() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("date", DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm 'UTC'").format(ZonedDateTime.now(ZoneOffset.UTC)));
        facts.put("Netpark", commit());
        facts.put("processor", processor());
        facts.put("memory", Long.parseLong(field("/proc/meminfo", "MemTotal").replaceAll("\\D", "")) / 1024 + " MiB");
        facts.put("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        facts.put("TCP congestion control", firstLine("/proc/sys/net/ipv4/tcp_congestion_control"));
        facts.put("JDK", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        facts.put("JVM flags", String.join(" ", Jvm.flags()));
        facts.put("Netty", version("io.netty.channel.epoll.Epoll"));
        facts.put("ktor-network", version("io.ktor.network.sockets.InetSocketAddress"));
        facts.put("kotlinx-coroutines", version("kotlinx.coroutines.Job"));
        facts.put("JNA", version("com.sun.jna.Native"));
        return facts;
    }

    /** The commit that the tree is at, and whether there is more in it than that, but for results. */
    private static String commit() {
        try {
            Process described = git("describe", "--always", "--abbrev=12");
            String commit = new String(described.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            Process compared = git("diff", "--quiet", "HEAD", "--", ":/", ":(exclude)results");
            return commit.isEmpty() ? "unknown" : commit + (compared.waitFor() == 0 ? "" : ", and changes");
        } catch (IOException e) { // there is no git
            return "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    private static Process git(String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of("git", "-C", Folders.bench().toString()));
        command.addAll(List.of(words));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static String field(String file, String key) {
        try {
            for (String line : Files.readAllLines(Path.of(file))) {
                if (line.startsWith(key)) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException e) {
            // falls through
        }
        return "unknown";
    }

    private static String firstLine(String file) {
        try {
            return Files.readAllLines(Path.of(file)).get(0);
        } catch (IOException e) {
            return "unknown";
        }
    }

    /** From the name of the jar that a class comes from: not every jar has a manifest that says it. */
    private static String version(String type) {
        try {
            Path jar = Path.of(Class.forName(type, false, Machine.class.getClassLoader())
                    .getProtectionDomain().getCodeSource().getLocation().getPath());
            return jar.getFileName().toString().replaceAll("^.*?-(\\d[\\w.]*)\\.jar$", "$1");
        } catch (ClassNotFoundException | LinkageError e) {
            return "absent";
        }
    }
}
