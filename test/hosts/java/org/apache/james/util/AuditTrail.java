package org.apache.james.util;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

public final class AuditTrail {
    private static final Logger LOGGER = LogManager.getLogger(AuditTrail.class);

    public static final class Entry {
        public void log(String message) {
            LOGGER.info(message);
        }
    }
}
