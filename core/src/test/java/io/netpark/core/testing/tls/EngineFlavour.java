package io.netpark.core.testing.tls;

import io.netty.handler.ssl.OpenSsl;
import java.util.List;
import java.util.stream.Stream;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;

/** The engines that TLS is tested with: a contract that holds for one has to hold for all. */
public enum EngineFlavour {
    JDK {
        @Override
        public @Nullable String unavailability() {
            return null;
        }

        @Override
        EngineSupply supply(Material material, boolean client) {
            return new JsseSupply(null, material, client);
        }
    },

    CONSCRYPT {
        @Override
        public @Nullable String unavailability() {
            return Conscrypt.isAvailable() ? null : "Conscrypt has no native library for this machine";
        }

        @Override
        EngineSupply supply(Material material, boolean client) {
            return new JsseSupply(Conscrypt.newProvider(), material, client);
        }
    },

    NETTY_OPENSSL {
        @Override
        public @Nullable String unavailability() {
            return OpenSsl.isAvailable() ? null : "Netty's OpenSSL: " + OpenSsl.unavailabilityCause();
        }

        @Override
        EngineSupply supply(Material material, boolean client) {
            return new NettySupply(material, client);
        }
    };

    /** What they speak: as Java names it, the older first. */
    public static final List<String> PROTOCOLS = List.of("TLSv1.2", "TLSv1.3");

    /** Those that work on this machine; the JDK's always does. */
    public static List<EngineFlavour> available() {
        return Stream.of(values()).filter(flavour -> flavour.unavailability() == null).toList();
    }

    /** Why it does not work on this machine, or null. */
    public abstract @Nullable String unavailability();

    abstract EngineSupply supply(Material material, boolean client);

    public EngineSupply server(Material material) {
        return supply(material, false);
    }

    public EngineSupply client(Material material) {
        return supply(material, true);
    }
}
