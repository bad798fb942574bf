package io.netpark.core.tls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which versions and cipher suites engines are set to.
 *
 * @param protocols null to leave them as they are
 * @param suites null to leave them as they are
 */
record Ciphers(String @Nullable [] protocols, String @Nullable [] suites) {

    private static final String NEWEST = "TLSv1.3";

    /**
     * @param abilities null if only an engine knows: then what is set is taken as it is, and nothing else is touched
     * @param protocols null if they are not set
     * @param suites null if they are not set
     * @throws IllegalArgumentException if the engines do not have what is set
     */
    static Ciphers of(
            Origin.@Nullable Abilities abilities, Tls.Side side, @Nullable List<String> protocols, @Nullable List<String> suites) {
        if (abilities == null) {
            return new Ciphers(array(protocols), array(suites));
        }
        List<String> supported = abilities.protocols();
        List<String> versions = new ArrayList<>(protocols == null ? List.of(NEWEST, "TLSv1.2") : protocols);
        if (protocols == null) {
            versions.retainAll(supported);
        }
        require("versions of TLS", supported, versions);
                List<String> chosen = suites;
        if (suites != null) {
            require("cipher suites", abilities.suites(), suites);
        } else if (side == Tls.Side.SERVER) {
            chosen = standard(abilities.enabledSuites());
        }
        if (chosen != null) {
            List<String> usable = chosen;
            versions.removeIf(version -> usable.stream().noneMatch(suite -> isOf(version, suite)));
            if (versions.isEmpty() || protocols != null && versions.size() < protocols.size()) {
                throw new IllegalArgumentException(
                        "a version of TLS has no cipher suite left: versions " + protocols + ", cipher suites " + chosen);
            }
        }
        return new Ciphers(array(versions), array(chosen));
    }

    private static String @Nullable [] array(@Nullable List<String> names) {
        return names == null ? null : names.toArray(new String[0]);
    }

    private static void require(String what, List<String> there, List<String> wanted) {
        List<String> missing = new ArrayList<>(wanted);
        missing.removeAll(there);
        if (!missing.isEmpty() || wanted.isEmpty()) {
            throw new IllegalArgumentException("of the " + what + " the engine does not have " + missing + "; it has " + there);
        }
    }

    /** The suites of TLS 1.3 name no key exchange. */
    private static boolean isOf(String version, String suite) {
        return version.equals(NEWEST) != suite.contains("_WITH_");
    }

    /**
     * Of what the engine enables by itself, that with forward secrecy and authenticated encryption. AES with 128 bits comes
     * first: it is strong enough for all purposes and costs the least. If nothing is left of an engine's, it knows better.
     */
    private static List<String> standard(List<String> enabled) {
        List<String> strong = enabled.stream()
                .filter(suite -> !suite.contains("_WITH_") && suite.startsWith("TLS_")
                        || suite.startsWith("TLS_ECDHE_") && (suite.contains("_GCM_") || suite.contains("_POLY1305_")))
                .filter(suite -> !suite.endsWith("_SCSV"))
                .sorted(Comparator.comparingInt(Ciphers::rank))
                .toList();
        return strong.isEmpty() ? enabled : strong;
    }

    private static int rank(String suite) {
        int version = suite.contains("_WITH_") ? 3 : 0;
        return version + (suite.contains("_128_GCM_") ? 0 : suite.contains("_256_GCM_") ? 1 : 2);
    }
}
