package io.netpark.core.tls;

import io.netpark.core.pem.PemException;
import io.netpark.core.pem.PemFile;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where identities come from: read when a {@link Tls} is made, and whenever it is reloaded. */
interface IdentitySource {

    /** @throws TlsConfigurationException if what is there is of no use */
    List<Identity> load();

    /** What is read. */
    List<Path> files();

    /** Identities that are there. */
    static IdentitySource of(List<Identity> identities) {
        return new IdentitySource() {
            @Override
            public List<Identity> load() {
                return identities;
            }

            @Override
            public List<Path> files() {
                return List.of();
            }
        };
    }

    /** @param password not copied; null if the key is not encrypted */
    static IdentitySource ofPem(Path chain, Path key, char @Nullable [] password) {
        return new IdentitySource() {
            @Override
            public List<Identity> load() {
                try {
                    PemFile chainFile = PemFile.read(chain);
                    PemFile keyFile = key.equals(chain) ? chainFile : PemFile.read(key);
                    return List.of(Identity.of(chainFile, chainFile.certificates(), keyFile, keyFile.privateKey(password)));
                } catch (PemException e) {
                    throw TlsConfigurationException.of(e);
                }
            }

            @Override
            public List<Path> files() {
                return List.of(chain, key);
            }
        };
    }

    /**
     * @param alias null for all keys
     * @param password not copied
     */
    static IdentitySource ofStore(Path file, @Nullable String alias, char[] password) {
        return new IdentitySource() {
            @Override
            public List<Identity> load() {
                return StoreFile.identities(StoreFile.open(file, password), file.toString(), alias, password);
            }

            @Override
            public List<Path> files() {
                return List.of(file);
            }
        };
    }
}
